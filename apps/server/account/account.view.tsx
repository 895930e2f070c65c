import type { VNode } from 'preact';
import { Icon } from '../pages/icons.js';
import type { Account } from '../pages/layout.js';
import { Moment } from '../pages/moment.js';
import { roleName, type Role } from '../pages/roles.js';
import { AccountLayout } from './account-layout.js';

interface OrganizationOf {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** That the organization made. */
  readonly customRole: { readonly name: string } | null;
}

interface AccountProps {
  readonly account: Account;
  readonly organizations: readonly OrganizationOf[];
  readonly secondFactor: boolean;
  readonly signedInAt: Date;
  /** When the account is removed; undefined while nobody asked for that. */
  readonly deletionAt: Date | undefined;
}

export function AccountView(props: AccountProps): VNode {
  const { account, organizations, secondFactor, signedInAt, deletionAt } = props;
  return (
    <AccountLayout title="Your account" path="/account" account={account}>
      <h1>Your account</h1>
      {deletionAt && (
        <div class="notice notice-warning">
          <div>
            <p class="notice-title">Your account will be deleted</p>
            <p>
              It is removed after <Moment at={deletionAt} />. Until then you can{' '}
              <a href="/account/data">keep it</a>.
            </p>
          </div>
        </div>
      )}
      <div class="panels">
        <section class="panel" aria-labelledby="person">
          <h2 id="person">You</h2>
          <dl class="facts facts-plain">
            <div>
              <dt>Name</dt>
              <dd>{account.name}</dd>
            </div>
            <div>
              <dt>E-mail address</dt>
              <dd>{account.email}</dd>
            </div>
            <div>
              <dt>Signed in since</dt>
              <dd>
                <Moment at={signedInAt} />
              </dd>
            </div>
          </dl>
          <p>
            <a class="module-link" href="/account/profile">
              Change your name
            </a>
          </p>
        </section>
        <section class="panel" aria-labelledby="protection">
          <h2 id="protection">Protection</h2>
          <p class="muted">
            {secondFactor
              ? 'Signing in with your password asks for one more thing that only you have.'
              : 'Whoever learns your password can sign in as you. Add a passkey or an authenticator app.'}
          </p>
          <p>
            <a class="module-link" href="/account/security">
              {secondFactor ? 'See how you sign in' : 'Protect your account'}
              <Icon name="arrow" />
            </a>
          </p>
        </section>
        <section class="panel" aria-labelledby="organizations">
          <h2 id="organizations">Organizations</h2>
          {organizations.length === 0 ? (
            <p class="muted">You belong to no organization.</p>
          ) : (
            <ul class="account-list">
              {organizations.map(({ id, name, role, customRole }) => (
                <li key={id}>
                  <span>{name}</span>
                  <span class="muted">{customRole?.name ?? roleName(role)}</span>
                </li>
              ))}
            </ul>
          )}
        </section>
      </div>
    </AccountLayout>
  );
}
