import type { ComponentChildren, VNode } from 'preact';
import { useContext } from 'preact/hooks';
import { assets } from './assets.js';
import { HiddenFields } from './form.js';
import { ReadinessIsOpen } from './render.js';

export const PRODUCT_NAME = 'Core Auth';

/** Who is signed in, shown in the header with the way out. */
export interface Account {
  readonly name: string;
  readonly email: string;
  readonly csrfToken: string;
}

interface LayoutProps {
  readonly title: string;
  /** `narrow`: one task on one card. `wide`: overview pages. */
  readonly width?: 'narrow' | 'wide';
  readonly account?: Account | undefined;
  /** Whether it works with passkeys, by scripts of this server: it is sent as `scripted` then. */
  readonly passkeys?: boolean;
  readonly children: ComponentChildren;
}

function SignedIn({ account }: { account: Account }): VNode {
  return (
    <form class="header-account" method="post" action="/sign-out">
      <HiddenFields csrfToken={account.csrfToken} />
      <a class="header-person" href="/account" title={account.email}>
        {account.name}
      </a>
      <button class="button button-quiet" type="submit">
        Sign out
      </button>
    </form>
  );
}

/** The document around every page. No inline style, and no inline script but that of form_post: the policy refuses them. */
export function Layout({ title, width = 'narrow', account, passkeys = false, children }: LayoutProps): VNode {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{`${title} – ${PRODUCT_NAME}`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <link rel="icon" type="image/svg+xml" href={assets.logo.path} />
        <link rel="stylesheet" href={assets.styleSheet.path} />
        {passkeys &&
          [assets.webAuthn, assets.passkeys].map(({ path }) => <script key={path} src={path} defer />)}
      </head>
      <body class={`page-${width}`}>
        <a class="skip-link" href="#content">
          Skip to the content
        </a>
        <header class="header">
          <a class="brand" href="/">
            <img src={assets.logo.path} alt="" width="28" height="28" />
            <span>{PRODUCT_NAME}</span>
          </a>
          {account && <SignedIn account={account} />}
        </header>
        <main id="content" class="main" tabIndex={-1}>
          {children}
        </main>
        <footer class="footer">
          <span>{PRODUCT_NAME} – one sign-in for every module</span>
          {useContext(ReadinessIsOpen) && <a href="/readiness">Readiness</a>}
        </footer>
      </body>
    </html>
  );
}
