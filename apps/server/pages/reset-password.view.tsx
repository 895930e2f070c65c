import type { VNode } from 'preact';
import type { PasswordUse } from '#accounts';
import { AskAddress } from './ask-address.js';
import type { FormFailure } from './form-failure.js';
import { FormPage } from './form-page.js';
import { NewPassword, UsernameFor } from './new-password.js';

interface ForgotProps {
  readonly csrfToken: string;
  readonly email?: string | undefined;
  readonly failure?: FormFailure | undefined;
}

export function ForgotPasswordView({ csrfToken, email = '', failure }: ForgotProps): VNode {
  return (
    <AskAddress
      title="Forgotten your password?"
      lead="Enter the address of your account. A mail with a link leads to a new password."
      action="/forgot-password"
      csrfToken={csrfToken}
      email={email}
      autocomplete="username"
      failure={failure}
      after={
        <p class="small muted">
          It came back to you? <a href="/sign-in">Sign in</a>
        </p>
      }
    />
  );
}

interface ResetProps {
  readonly csrfToken: string;
  readonly token: string;
  readonly email: string;
  readonly use: PasswordUse;
  /** For the hint alone. */
  readonly password?: string | undefined;
  readonly failure?: FormFailure | undefined;
}

export function ResetPasswordView({ csrfToken, token, email, use, password, failure }: ResetProps): VNode {
  return (
    <FormPage
      title="Choose a new password"
      lead={
        <>
          For <strong>{email}</strong>. Every session of the account will end.
        </>
      }
      action="/reset-password"
      csrfToken={csrfToken}
      failure={failure}
      button="Set the password"
    >
      <input type="hidden" name="token" value={token} />
      <UsernameFor email={email} />
      <NewPassword
        label="New password"
        use={use}
        sent={password}
        error={failure?.fields?.['password']}
        autofocus
      />
    </FormPage>
  );
}
