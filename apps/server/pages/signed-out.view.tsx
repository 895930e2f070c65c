import type { VNode } from 'preact';
import { Icon } from './icons.js';
import { Layout } from './layout.js';
import { safeHref } from './links.js';

export interface SignedOutProps {
  /** The application that the person came from, with a post-logout address registered for it. */
  readonly application?: { readonly name: string; readonly url: string } | undefined;
}

export function SignedOutView({ application }: SignedOutProps): VNode {
  const href = application && safeHref(application.url);
  return (
    <Layout title="Signed out">
      <section class="card" aria-labelledby="heading">
        <span class="emblem emblem-good">
          <Icon name="check" />
        </span>
        <h1 id="heading">You are signed out</h1>
        <p class="lead">Your session has ended, here and in every module that you had open.</p>
        <div class="actions">
          <a class="button button-primary" href="/sign-in">
            Sign in again
          </a>
          {application && href !== undefined && (
            <a class="button" href={href}>
              Return to {application.name}
            </a>
          )}
        </div>
        <p class="small muted">On a shared computer, close the browser as well.</p>
      </section>
    </Layout>
  );
}
