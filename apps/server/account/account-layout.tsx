import type { ComponentChildren, VNode } from 'preact';
import { Layout, type Account } from '../pages/layout.js';

/** The pages of /account, in the order in which they are offered. */
const PAGES = [
  { path: '/account', name: 'Overview' },
  { path: '/account/profile', name: 'Profile' },
  { path: '/account/security', name: 'Sign-in and security' },
  { path: '/account/password', name: 'Password' },
  { path: '/account/address', name: 'E-mail address' },
  { path: '/account/sessions', name: 'Sessions' },
  { path: '/account/applications', name: 'Applications' },
  { path: '/account/data', name: 'Your data' },
] as const;

export type AccountPath = (typeof PAGES)[number]['path'];

interface AccountLayoutProps {
  readonly title: string;
  /** Which of the pages this is, or belongs to. */
  readonly path: AccountPath;
  readonly account: Account;
  readonly passkeys?: boolean;
  readonly children: ComponentChildren;
}

/** A page about the person's own account, with the way to the others. */
export function AccountLayout({
  title,
  path,
  account,
  passkeys = false,
  children,
}: AccountLayoutProps): VNode {
  return (
    <Layout title={title} width="wide" account={account} passkeys={passkeys}>
      <nav class="account-nav" aria-label="Your account">
        <ul>
          {PAGES.map((page) => (
            <li key={page.path}>
              <a href={page.path} {...(page.path === path ? { 'aria-current': 'page' as const } : {})}>
                {page.name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {children}
    </Layout>
  );
}
