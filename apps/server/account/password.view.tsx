import type { VNode } from 'preact';
import type { PasswordUse } from '#accounts';
import type { FormFailure } from '../pages/form-failure.js';
import { FormPage } from '../pages/form-page.js';
import { Field } from '../pages/form.js';
import type { Account } from '../pages/layout.js';
import { NewPassword, UsernameFor } from '../pages/new-password.js';

interface ChangePasswordProps {
  readonly account: Account;
  readonly use: PasswordUse;
  /** For the hint alone. */
  readonly password?: string | undefined;
  readonly failure?: FormFailure | undefined;
}

export function ChangePasswordView({ account, use, password, failure }: ChangePasswordProps): VNode {
  const errors = failure?.fields ?? {};
  const toNew = errors['password'] !== undefined;
  return (
    <FormPage
      title="Change your password"
      lead="Every other session of your account will end."
      action="/account/password"
      csrfToken={account.csrfToken}
      failure={failure}
      account={account}
      button="Change the password"
      after={
        <p class="small muted">
          You do not know it? <a href="/forgot-password">Choose another by mail</a>
        </p>
      }
    >
      <UsernameFor email={account.email} />
      <Field
        name="current_password"
        label="Current password"
        type="password"
        autocomplete="current-password"
        error={errors['current_password']}
        autofocus={!toNew}
      />
      <NewPassword
        label="New password"
        use={use}
        sent={password}
        error={errors['password']}
        autofocus={toNew}
      />
    </FormPage>
  );
}
