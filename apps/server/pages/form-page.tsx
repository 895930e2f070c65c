import type { ComponentChildren, VNode } from 'preact';
import type { FormFailure } from './form-failure.js';
import { ErrorSummary, HiddenFields } from './form.js';
import { Layout, type Account } from './layout.js';

interface FormPageProps {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly action: string;
  readonly csrfToken: string;
  readonly failure?: FormFailure | undefined;
  readonly account?: Account | undefined;
  readonly button: string;
  readonly children: ComponentChildren;
  /** Below the form. */
  readonly after?: ComponentChildren;
}

/** One form on one card, with what was wrong with it above. */
export function FormPage(props: FormPageProps): VNode {
  const { title, lead, action, csrfToken, failure, account, button, children, after } = props;
  return (
    <Layout title={failure ? `Error: ${failure.title}` : title} account={account}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">{title}</h1>
        {lead !== undefined && <p class="lead">{lead}</p>}
        {failure && (
          <ErrorSummary id="form-error" title={failure.title}>
            {failure.text}
          </ErrorSummary>
        )}
        <form
          method="post"
          action={action}
          noValidate
          {...(failure ? { 'aria-describedby': 'form-error' } : {})}
        >
          <HiddenFields csrfToken={csrfToken} />
          {children}
          <button class="button button-primary button-block" type="submit">
            {button}
          </button>
        </form>
        {after}
      </section>
    </Layout>
  );
}
