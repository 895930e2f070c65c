import type { VNode } from 'preact';
import { Layout } from './layout.js';

/** The one inline script; its digest stands in the page's policy. */
export const SUBMIT_SCRIPT = 'document.forms[0].submit()';

interface FormPostProps {
  /** A registered redirect URI. */
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** OAuth 2.0 Form Post Response Mode §2: the browser posts the answer; without scripts the person does. */
export function FormPostView({ action, parameters }: FormPostProps): VNode {
  return (
    <Layout title="Returning to the application">
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">Returning to {hostOf(action)}</h1>
        <p class="lead">If nothing happens, select Continue.</p>
        <form method="post" action={action}>
          {Object.entries(parameters).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <div class="actions">
            <button class="button button-primary" type="submit">
              Continue
            </button>
          </div>
        </form>
        <script dangerouslySetInnerHTML={{ __html: SUBMIT_SCRIPT }} />
      </section>
    </Layout>
  );
}

/** A native application's scheme has none. */
function hostOf(uri: string): string {
  return new URL(uri).host || 'the application';
}
