import type { VNode } from 'preact';
import type { TotpOffer } from '#sessions';
import { CodeField } from '../pages/code-field.js';
import { ErrorSummary, HiddenFields } from '../pages/form.js';
import { Layout, type Account } from '../pages/layout.js';
import { QrCode } from './qr-code.js';

interface TotpProps {
  readonly account: Account;
  readonly offer: TotpOffer;
  readonly returnTo: string;
  /** Whether an app that is set up already will be replaced. */
  readonly replaces: boolean;
  readonly failure?: 'wrong-code' | 'offer-expired' | undefined;
}

const FAILURES = {
  'wrong-code': 'The code is not right. Enter the one that the app shows now.',
  'offer-expired':
    'The picture was shown for too long. Remove the entry from your app and scan this new one.',
} as const;

/** Setting up an authenticator app: the picture, the same as text, and the first code as proof. */
export function TotpView({ account, offer, returnTo, replaces, failure }: TotpProps): VNode {
  const title = 'Set up an authenticator app';
  return (
    <Layout title={failure ? `Error: ${title}` : title} account={account}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">{title}</h1>
        {failure && (
          <ErrorSummary id="totp-error" title="The app is not set up yet" toField>
            {FAILURES[failure]}
          </ErrorSummary>
        )}
        {replaces && (
          <p class="notice">The app that you have now stops working once this one is confirmed.</p>
        )}
        <p>Scan this picture with the app on your telephone.</p>
        <QrCode text={offer.uri} label="QR code for your authenticator app" />
        <div>
          <p class="small muted" id="secret-label">
            Or type this secret into the app
          </p>
          <p class="secret-text" aria-labelledby="secret-label">
            <code>{offer.secret}</code>
          </p>
        </div>
        <form method="post" action="/account/security/totp">
          <HiddenFields csrfToken={account.csrfToken} returnTo={returnTo} />
          <input type="hidden" name="offer" value={offer.envelope} />
          <CodeField
            id="code"
            label="Code that the app shows now"
            kind="one-time"
            autofocus={failure !== undefined}
            {...(failure === 'wrong-code' ? { error: FAILURES[failure] } : {})}
          />
          <button class="button button-primary button-block" type="submit">
            Confirm
          </button>
        </form>
        <p class="small muted">
          <a href="/account/security">Cancel</a>
        </p>
      </section>
    </Layout>
  );
}
