import type { ComponentChildren, VNode } from 'preact';
import type { FormFailure } from './form-failure.js';
import { ErrorSummary, HiddenFields } from './form.js';
import { Layout, type Account } from './layout.js';

export interface FormCardProps {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly action: string;
  readonly csrfToken: string;
  readonly failure?: FormFailure | undefined;
  readonly button: string;
  readonly children?: ComponentChildren;
  /** Below the form. */
  readonly after?: ComponentChildren;
}

/** One form on a card, with what was wrong with it above. */
export function FormCard(props: FormCardProps): VNode {
  const { title, lead, action, csrfToken, failure, button, children, after } = props;
  return (
    <section class="card" aria-labelledby="heading">
      <h1 id="heading">{title}</h1>
      {lead !== undefined && <p class="lead">{lead}</p>}
      {failure && (
        <ErrorSummary
          id="form-error"
          title={failure.title}
          toField={Object.values(failure.fields ?? {}).some((error) => error !== undefined)}
        >
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
  );
}

/** A page that is one form. */
export function FormPage({ account, ...card }: FormCardProps & { account?: Account | undefined }): VNode {
  return (
    <Layout title={titleOf(card)} account={account}>
      <FormCard {...card} />
    </Layout>
  );
}

/** What the window is called: that something is wrong is heard first. */
export function titleOf({ title, failure }: Pick<FormCardProps, 'title' | 'failure'>): string {
  return failure ? `Error: ${failure.title}` : title;
}
