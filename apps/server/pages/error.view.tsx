import type { VNode } from 'preact';
import { Layout } from './layout.js';

interface ErrorProps {
  readonly status: number;
  readonly title: string;
  /** What happened, in a sentence for the person. */
  readonly message: string;
  /** What to do next, in a sentence. */
  readonly advice: string;
  readonly requestId: string;
}

export function ErrorView({ status, title, message, advice, requestId }: ErrorProps): VNode {
  return (
    <Layout title={title}>
      <section class="card" aria-labelledby="heading">
        <p class="eyebrow">Error {status}</p>
        <h1 id="heading">{title}</h1>
        <p class="lead">{message}</p>
        <p>{advice}</p>
        <div class="actions">
          <a class="button button-primary" href="/">
            Go to the launcher
          </a>
        </div>
        <p class="small muted">
          Request <code>{requestId}</code> – give this number when you ask for help.
        </p>
      </section>
    </Layout>
  );
}
