import type { VNode } from 'preact';
import type { FormFailure } from '../pages/form-failure.js';
import { Field } from '../pages/form.js';
import type { Account } from '../pages/layout.js';
import { AccountForm } from './account-form.js';
import { CurrentPassword } from './current-password.js';

interface ChangeAddressProps {
  readonly account: Account;
  /** Whether there is a password that confirms it. */
  readonly asksPassword: boolean;
  readonly email?: string | undefined;
  readonly failure?: FormFailure | undefined;
}

export function ChangeAddressView(props: ChangeAddressProps): VNode {
  const { account, asksPassword, email = '', failure } = props;
  const errors = failure?.fields ?? {};
  const toPassword = asksPassword && email !== '' && errors['email'] === undefined;
  return (
    <AccountForm
      path="/account/address"
      title="Change your e-mail address"
      lead={
        <>
          It is <strong>{account.email}</strong> now, and stays so until you have followed the link in a mail
          to the new one.
        </>
      }
      action="/account/address"
      failure={failure}
      account={account}
      button="Send the mail"
    >
      <Field
        name="email"
        label="New e-mail address"
        type="email"
        autocomplete="email"
        value={email}
        error={errors['email']}
        autofocus={!toPassword}
      />
      {asksPassword && <CurrentPassword error={errors['current_password']} autofocus={toPassword} />}
    </AccountForm>
  );
}

interface ConfirmAddressProps {
  readonly account: Account;
  readonly token: string;
  readonly email: string;
  readonly failure?: FormFailure | undefined;
}

export function ConfirmAddressView({ account, token, email, failure }: ConfirmAddressProps): VNode {
  return (
    <AccountForm
      path="/account/address"
      title="Use this address?"
      lead={
        <>
          <strong>{email}</strong> takes the place of <strong>{account.email}</strong>. You sign in with it
          from then on.
        </>
      }
      action="/account/address/confirm"
      failure={failure}
      account={account}
      button="Use this address"
    >
      <input type="hidden" name="token" value={token} />
    </AccountForm>
  );
}
