import type { VNode } from 'preact';
import { Icon } from './icons.js';
import { Layout } from './layout.js';

export function SignedOutView(): VNode {
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
        </div>
        <p class="small muted">On a shared computer, close the browser as well.</p>
      </section>
    </Layout>
  );
}
