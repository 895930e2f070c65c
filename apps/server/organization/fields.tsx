import type { ComponentChildren, VNode } from 'preact';
import { HiddenFields } from '../pages/form.js';
import { Icon } from '../pages/icons.js';
import type { Frame } from './frame.js';

export function FieldError({ id, children }: { id: string; children: ComponentChildren }): VNode {
  return (
    <p class="field-error" id={id}>
      <Icon name="warning" />
      {children}
    </p>
  );
}

interface TextFieldProps {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly value?: string | undefined;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly autocomplete?: string;
  readonly maxLength?: number;
  readonly required?: boolean;
}

export function TextField(props: TextFieldProps): VNode {
  const { id, name, label, value, hint, error, autocomplete = 'off', maxLength, required } = props;
  const described = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`];
  const describedBy = described.filter(Boolean).join(' ');
  const attributes = {
    id,
    name,
    autocomplete,
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(value === undefined ? {} : { value }),
    ...(required === true ? { required } : {}),
    ...(describedBy === '' ? {} : { 'aria-describedby': describedBy }),
    ...(error === undefined ? {} : { 'aria-invalid': 'true' as const }),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint !== undefined && (
        <p class="muted small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <input type="text" {...attributes} />
      {error !== undefined && <FieldError id={`${id}-error`}>{error}</FieldError>}
    </div>
  );
}

interface SelectFieldProps {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly text: string }[];
  readonly error?: string | undefined;
}

export function SelectField({ id, name, label, value, options, error }: SelectFieldProps): VNode {
  const wrong =
    error === undefined ? {} : { 'aria-invalid': 'true' as const, 'aria-describedby': `${id}-error` };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name} {...wrong}>
        {options.map((option) => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.text}
          </option>
        ))}
      </select>
      {error !== undefined && <FieldError id={`${id}-error`}>{error}</FieldError>}
    </div>
  );
}

/** What each form of an organization carries: the anti-forgery token, and whose form it is. */
export function FormOf({ frame }: { frame: Frame }): VNode {
  return (
    <>
      <HiddenFields csrfToken={frame.account.csrfToken} />
      <input type="hidden" name="organization_id" value={frame.organization.id} />
    </>
  );
}

interface ConfirmedProps {
  readonly summary: string;
  /** What the summary means when it is read alone; begins as the summary does. */
  readonly label?: string;
  readonly open?: boolean;
  readonly children: ComponentChildren;
}

/** An act that is asked about once more before it is done, without a script. */
export function Confirmed({ summary, label, open = false, children }: ConfirmedProps): VNode {
  return (
    <details class="confirmed" open={open}>
      <summary class="button button-quiet" {...(label === undefined ? {} : { 'aria-label': label })}>
        {summary}
      </summary>
      <div class="confirmed-body">{children}</div>
    </details>
  );
}
