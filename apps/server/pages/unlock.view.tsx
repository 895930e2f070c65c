import type { VNode } from 'preact';
import { ErrorSummary, HiddenFields, LANDING } from './form.js';
import { Icon } from './icons.js';
import { Layout } from './layout.js';

/** Why the link did not end the pause. */
export type UnlockFailure = 'bad-link' | 'form-expired';

const FAILURES: Readonly<Record<UnlockFailure, { readonly title: string; readonly text: string }>> = {
  'bad-link': {
    title: 'This link does not work',
    text: 'It has been used, or has expired, or is not complete. Open it from the newest mail, or wait until the pause is over; an administrator can end it too.',
  },
  'form-expired': {
    title: 'This page was open for too long',
    text: 'Nothing has happened yet. Press the button again.',
  },
};

/** @param token undefined where there is nothing to be tried again */
export function UnlockView({
  csrfToken,
  token,
  failure,
}: {
  csrfToken: string;
  token: string | undefined;
  failure?: UnlockFailure | undefined;
}): VNode {
  const words = failure && FAILURES[failure];
  return (
    <Layout title={words ? `Error: ${words.title}` : 'End the pause'}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">End the pause</h1>
        {words && (
          <ErrorSummary id="unlock-error" title={words.title}>
            {words.text}
          </ErrorSummary>
        )}
        {token === undefined ? (
          <div class="actions">
            <a class="button button-primary" href="/sign-in">
              Go to the sign-in page
            </a>
          </div>
        ) : (
          <>
            <p class="lead">
              Signing in to your account was paused after too many wrong passwords. End the pause, and sign in
              with this browser at once.
            </p>
            <form method="post" action="/unlock">
              <HiddenFields csrfToken={csrfToken} />
              <input type="hidden" name="token" value={token} />
              <button class="button button-primary button-block" type="submit">
                End the pause
              </button>
            </form>
            <p class="small muted">
              Not your browser? Open the link where you want to sign in: it works once.
            </p>
          </>
        )}
      </section>
    </Layout>
  );
}

export function UnlockedView(): VNode {
  return (
    <Layout title="The pause has ended">
      <section class="card" aria-labelledby="heading">
        <span class="emblem emblem-good">
          <Icon name="check" />
        </span>
        <h1 id="heading" {...LANDING}>
          The pause has ended
        </h1>
        <p class="lead">You may sign in with this browser now, whatever others try.</p>
        <div class="actions">
          <a class="button button-primary" href="/sign-in">
            Sign in
          </a>
        </div>
      </section>
    </Layout>
  );
}
