import type { VNode } from 'preact';
import { Icon } from './icons.js';

interface CodeFieldProps {
  readonly id: string;
  readonly label: string;
  /** `one-time`: six digits of an app. `recovery`: what is on paper. */
  readonly kind: 'one-time' | 'recovery';
  readonly error?: string | undefined;
  readonly autofocus?: boolean;
}

/** Where a code is typed; it is not kept, since it is worth something. */
export function CodeField({ id, label, kind, error, autofocus = false }: CodeFieldProps): VNode {
  const look = {
    'one-time': {
      inputMode: 'numeric',
      autocomplete: 'one-time-code',
      maxLength: 20,
      placeholder: '000 000',
    },
    recovery: { inputMode: 'text', autocomplete: 'off', maxLength: 64, placeholder: 'XXXX-XXXX-…' },
  } as const;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class={kind === 'one-time' ? 'user-code' : 'recovery-code'}
        name="code"
        type="text"
        autocapitalize="characters"
        spellcheck={false}
        required
        autofocus={autofocus}
        {...look[kind]}
        {...(error === undefined
          ? {}
          : { 'aria-invalid': 'true' as const, 'aria-describedby': `${id}-error` })}
      />
      {error !== undefined && (
        <p class="field-error" id={`${id}-error`}>
          <Icon name="warning" />
          {error}
        </p>
      )}
    </div>
  );
}
