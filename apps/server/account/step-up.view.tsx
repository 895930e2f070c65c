import type { VNode } from 'preact';
import { HiddenFields } from '../pages/form.js';
import { Icon } from '../pages/icons.js';
import { Layout, type Account } from '../pages/layout.js';
import { queryHref } from '../pages/links.js';

interface StepUpProps {
  readonly account: Account;
  readonly returnTo: string;
  /** Who asks for a second factor, which this person has none of. */
  readonly askedBy: string;
  /** What the person may do instead. */
  readonly instead: 'choose-organization' | 'leave' | 'refuse' | 'go-on';
}

function Instead({ account, returnTo, askedBy, instead }: StepUpProps): VNode {
  if (instead === 'choose-organization') {
    return (
      <a class="button" href={queryHref('/choose-organization', { return_to: returnTo })}>
        Choose another organization
      </a>
    );
  }
  if (instead === 'leave') {
    return (
      <a class="button button-block" href="/">
        Back to your modules
      </a>
    );
  }
  return (
    <form method="post" action="/step-up">
      <HiddenFields csrfToken={account.csrfToken} returnTo={returnTo} />
      <button class="button button-block" type="submit">
        {instead === 'refuse' ? `Go back to ${askedBy} without` : 'Not now'}
      </button>
    </form>
  );
}

/** For who is asked for a second factor and has none: the offer to add one. */
export function StepUpView(props: StepUpProps): VNode {
  const { account, returnTo, askedBy } = props;
  return (
    <Layout title="Add a second factor" account={account}>
      <section class="card" aria-labelledby="heading">
        <span class="emblem">
          <Icon name="lock" />
        </span>
        <h1 id="heading">Add a second factor</h1>
        <p class="lead">
          {askedBy} asks for more than a password. Add a passkey or an authenticator app; it takes a minute,
          and you go on from there.
        </p>
        <div class="actions">
          <a class="button button-primary" href={queryHref('/account/security', { return_to: returnTo })}>
            Add a passkey
          </a>
          <a class="button" href={queryHref('/account/security/totp', { return_to: returnTo })}>
            Set up an authenticator app
          </a>
        </div>
        <Instead {...props} />
      </section>
    </Layout>
  );
}
