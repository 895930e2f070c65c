import type { VNode } from 'preact';
import type { PasswordUse } from '#accounts';
import type { FormFailure } from '../pages/form-failure.js';
import type { Account } from '../pages/layout.js';
import { NewPassword, UsernameFor } from '../pages/new-password.js';
import { AccountForm } from './account-form.js';
import { CurrentPassword } from './current-password.js';

interface ChangePasswordProps {
  readonly account: Account;
  /** Whether there is one already. */
  readonly asksCurrent: boolean;
  readonly use: PasswordUse;
  /** For the hint alone. */
  readonly password?: string | undefined;
  readonly failure?: FormFailure | undefined;
}

export function ChangePasswordView(props: ChangePasswordProps): VNode {
  const { account, asksCurrent, use, password, failure } = props;
  const errors = failure?.fields ?? {};
  const toNew = errors['password'] !== undefined;
  return (
    <AccountForm
      path="/account/password"
      title={asksCurrent ? 'Change your password' : 'Set a password'}
      lead="Every other session of your account will end."
      action="/account/password"
      failure={failure}
      account={account}
      button={asksCurrent ? 'Change the password' : 'Set the password'}
      after={
        asksCurrent && (
          <p class="small muted">
            You do not know it? <a href="/forgot-password">Choose another by mail</a>
          </p>
        )
      }
    >
      <UsernameFor email={account.email} />
      {asksCurrent && <CurrentPassword error={errors['current_password']} autofocus={!toNew} />}
      <NewPassword
        label="New password"
        use={use}
        sent={password}
        error={errors['password']}
        autofocus={toNew || !asksCurrent}
      />
    </AccountForm>
  );
}
