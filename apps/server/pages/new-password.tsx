import type { VNode } from 'preact';
import type { PasswordUse } from '#accounts';
import { assets } from './assets.js';
import { Field } from './form.js';
import { hintBelow, hintFacts } from './password-hint.js';

interface NewPasswordProps {
  readonly label: string;
  readonly use: PasswordUse;
  /** What was sent, for the hint alone; it is never shown again. */
  readonly sent?: string | undefined;
  readonly error?: string | undefined;
  readonly autofocus: boolean;
}

/** A field for a new password with a hint about it, which changes while it is typed where scripts run. */
export function NewPassword({ label, use, sent = '', error, autofocus }: NewPasswordProps): VNode {
  const facts = hintFacts(use);
  return (
    <>
      <Field
        name="password"
        label={label}
        type="password"
        autocomplete="new-password"
        error={error}
        autofocus={autofocus}
        hint={
          <p class="field-hint" id="password-hint" aria-live="polite" data-facts={JSON.stringify(facts)}>
            {hintBelow(error, sent, facts)}
          </p>
        }
      />
      <script src={assets.passwordHint.path} defer />
    </>
  );
}

/** Whose password it is, for password managers. */
export function UsernameFor({ email }: { email: string }): VNode {
  return <input hidden type="email" name="username" autocomplete="username" value={email} readOnly />;
}
