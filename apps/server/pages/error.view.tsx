import type { VNode } from 'preact';
import { Layout, type Account } from './layout.js';
import { safeHref } from './links.js';

export interface ErrorProps {
  readonly status: number;
  readonly title: string;
  /** What happened, in a sentence for the person. */
  readonly message: string;
  /** What to do next, in a sentence. */
  readonly advice: string;
  readonly requestId: string;
  /** The way out; the launcher unless told. */
  readonly next?: { readonly label: string; readonly href: string } | undefined;
  readonly account?: Account | undefined;
}

export function ErrorView({ status, title, message, advice, requestId, next, account }: ErrorProps): VNode {
  const href = next && safeHref(next.href);
  return (
    <Layout title={title} account={account}>
      <section class="card" aria-labelledby="heading">
        <p class="eyebrow">Error {status}</p>
        <h1 id="heading">{title}</h1>
        <p class="lead">{message}</p>
        <p>{advice}</p>
        <div class="actions">
          {next && href !== undefined ? (
            <a class="button button-primary" href={href}>
              {next.label}
            </a>
          ) : (
            <a class="button button-primary" href="/">
              Go to the launcher
            </a>
          )}
        </div>
        <p class="small muted">
          Request <code>{requestId}</code> – give this number when you ask for help.
        </p>
      </section>
    </Layout>
  );
}
