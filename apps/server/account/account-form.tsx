import type { VNode } from 'preact';
import { FormCard, titleOf, type FormCardProps } from '../pages/form-page.js';
import type { Account } from '../pages/layout.js';
import { AccountLayout, type AccountPath } from './account-layout.js';

interface AccountFormProps extends Omit<FormCardProps, 'csrfToken'> {
  readonly path: AccountPath;
  readonly account: Account;
}

/** A page of the account that is one form. */
export function AccountForm({ path, account, ...card }: AccountFormProps): VNode {
  return (
    <AccountLayout title={titleOf(card)} path={path} account={account}>
      <div class="account-form">
        <FormCard {...card} csrfToken={account.csrfToken} />
      </div>
    </AccountLayout>
  );
}
