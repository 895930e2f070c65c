import type { VNode } from 'preact';
import { Icon } from './icons.js';
import { Layout } from './layout.js';

interface SignedOutProps {
  /** Where an application that nobody here has vouched for wants the person to go on. */
  readonly leadsTo?: { readonly clientName: string; readonly url: string };
}

export function SignedOutView({ leadsTo }: SignedOutProps): VNode {
  return (
    <Layout title="Signed out">
      <section class="card" aria-labelledby="heading">
        <span class="emblem emblem-good">
          <Icon name="check" />
        </span>
        <h1 id="heading">You are signed out</h1>
        <p class="lead">Your session has ended, here and in every module that you had open.</p>
        {leadsTo && (
          <p>
            {leadsTo.clientName} asks you to go on at <strong>{hostOf(leadsTo.url)}</strong>. Nobody here has
            checked that address.
          </p>
        )}
        <div class="actions">
          {leadsTo && (
            <a class="button" href={leadsTo.url} rel="noreferrer">
              Go on to {hostOf(leadsTo.url)}
            </a>
          )}
          <a class="button button-primary" href="/sign-in">
            Sign in again
          </a>
        </div>
        <p class="small muted">On a shared computer, close the browser as well.</p>
      </section>
    </Layout>
  );
}

/** The host, or for an address of a native application its scheme. */
function hostOf(address: string): string {
  const { host, protocol } = new URL(address);
  return host || protocol.slice(0, -1);
}
