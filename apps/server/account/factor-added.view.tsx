import type { VNode } from 'preact';
import { LANDING } from '../pages/form.js';
import { Icon } from '../pages/icons.js';
import { Layout, type Account } from '../pages/layout.js';
import { safeHref } from '../pages/links.js';
import { EndElsewhere } from './end-elsewhere.js';

interface FactorAddedProps {
  readonly account: Account;
  readonly title: string;
  /** Shown this once; none when the person has some left. */
  readonly codes: readonly string[];
  readonly returnTo: string;
  /** Whether the person is signed in elsewhere too. */
  readonly elsewhere: boolean;
}

/** What was added, and the recovery codes that come with it. */
export function FactorAddedView({ account, title, codes, returnTo, elsewhere }: FactorAddedProps): VNode {
  return (
    <Layout title={title} account={account}>
      <section class="card" aria-labelledby="heading">
        <span class="emblem emblem-good">
          <Icon name="check" />
        </span>
        <h1 id="heading" {...LANDING}>
          {title}
        </h1>
        {codes.length > 0 && (
          <>
            <p>
              Write these recovery codes down or print them, and keep them where nobody else looks. With each
              of them you can sign in once when everything else is lost.{' '}
              <strong>They are not shown again.</strong>
            </p>
            <ul class="recovery-codes" aria-label="Recovery codes">
              {codes.map((code) => (
                <li key={code}>
                  <code>{code}</code>
                </li>
              ))}
            </ul>
          </>
        )}
        <div class="actions">
          <a class="button button-primary" href={safeHref(returnTo) ?? '/account/security'}>
            {codes.length > 0 ? 'I have kept them: continue' : 'Continue'}
          </a>
        </div>
        {elsewhere && (
          <EndElsewhere csrfToken={account.csrfToken}>
            {codes.length > 0 && ' Keep the codes before you do: this page does not come back.'}
          </EndElsewhere>
        )}
      </section>
    </Layout>
  );
}
