import type { ComponentChildren, VNode } from 'preact';
import { assets } from './assets.js';
import { Icon } from './icons.js';

/** What a form carries: the anti-forgery token and where the person was going. */
export interface FormProps {
  readonly csrfToken: string;
  /** Validated by the server again when it comes back; here it is only carried. */
  readonly returnTo: string;
}

export function HiddenFields({
  csrfToken,
  returnTo,
}: Pick<FormProps, 'csrfToken'> & { readonly returnTo?: string | undefined }): VNode {
  return (
    <>
      <input type="hidden" name="csrf_token" value={csrfToken} />
      {returnTo !== undefined && <input type="hidden" name="return_to" value={returnTo} />}
    </>
  );
}

/** Where the keyboard is on a page that says something: whoever cannot see it hears it, and goes on from there. */
export const LANDING = { tabIndex: -1, autofocus: true } as const;

/** What went wrong, announced by assistive technology; fields point at it by its id. */
export function ErrorSummary({
  id,
  title,
  toField = false,
  children,
}: {
  id: string;
  title: string;
  /** Whether a field that it describes has the focus instead. */
  toField?: boolean;
  children: ComponentChildren;
}): VNode {
  return (
    <div class="notice notice-error" role="alert" id={id} {...(toField ? {} : LANDING)}>
      <Icon name="warning" />
      <div>
        <p class="notice-title">{title}</p>
        <p>{children}</p>
      </div>
    </div>
  );
}

/** What has just been done, on the page that it was done on. */
export function DoneNotice({ children }: { children: ComponentChildren }): VNode {
  return (
    <p class="notice" role="status" {...LANDING}>
      {children}
    </p>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly type: 'email' | 'password' | 'text';
  readonly autocomplete:
    'username' | 'username webauthn' | 'current-password' | 'new-password' | 'email' | 'name';
  readonly value?: string | undefined;
  readonly error?: string | undefined;
  readonly autofocus: boolean;
  /** What helps to fill it in, with the id `NAME-hint`. */
  readonly hint?: VNode;
}

/** A field for a password can be looked at where scripts run: its page is sent as `scripted`. */
export function Field({ name, label, type, autocomplete, value, error, autofocus, hint }: FieldProps): VNode {
  const errorId = `${name}-error`;
  const described = [
    ...(error === undefined ? [] : [errorId]),
    ...(hint === undefined ? [] : [`${name}-hint`]),
  ];
  const attributes = {
    id: name,
    name,
    autocomplete,
    autocapitalize: 'none',
    spellcheck: false,
    required: true,
    autofocus,
    ...(value === undefined ? {} : { value }),
    ...(error === undefined ? {} : { 'aria-invalid': 'true' as const }),
    ...(described.length === 0 ? {} : { 'aria-describedby': described.join(' ') }),
  } as const;
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {type === 'email' && <input type="email" {...attributes} />}
      {type === 'password' && (
        <>
          <input type="password" {...attributes} />
          <script src={assets.showPassword.path} defer />
        </>
      )}
      {type === 'text' && <input type="text" {...attributes} autocapitalize="words" />}
      {error !== undefined && (
        <p class="field-error" id={errorId}>
          <Icon name="warning" />
          {error}
        </p>
      )}
      {hint}
    </div>
  );
}
