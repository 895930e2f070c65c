import type { ComponentChildren, VNode } from 'preact';
import { HiddenFields, type FormProps } from './form.js';

interface PasskeyFormProps extends Pick<FormProps, 'csrfToken'> {
  readonly returnTo?: string;
  /** Whether a passkey is made, or used. */
  readonly ceremony: 'create' | 'get';
  /** Where what the browser says of it is sent; the options for it come from `/options` below. */
  readonly action: string;
  /** Where to go when the options are refused, as whoever asks is not known any more. */
  readonly refusedAt: string;
  /** Whether passkeys are offered in the field of the user name too. */
  readonly autofill?: boolean;
  readonly children: ComponentChildren;
}

/** A form that a script sends once the browser has done its part; without scripts, or passkeys, it is not shown. */
export function PasskeyForm(props: PasskeyFormProps): VNode {
  const { ceremony, action, refusedAt, autofill = false, csrfToken, returnTo, children } = props;
  return (
    <form
      method="post"
      action={action}
      hidden
      data-passkey={ceremony}
      data-options={`${action}/options`}
      data-refused-at={refusedAt}
      {...(autofill ? { 'data-autofill': '' } : {})}
    >
      <HiddenFields csrfToken={csrfToken} {...(returnTo === undefined ? {} : { returnTo })} />
      {children}
      <p class="field-error" role="alert" hidden />
    </form>
  );
}
