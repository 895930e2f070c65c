import type { VNode } from 'preact';
import { LONGEST_NAME, wordsAboutInvited, type OpenInvitation } from '#accounts';
import { ErrorSummary, HiddenFields } from '../pages/form.js';
import { Layout, type Account } from '../pages/layout.js';
import { queryHref } from '../pages/links.js';
import { Moment } from '../pages/moment.js';
import { NewPassword, UsernameFor } from '../pages/new-password.js';
import { roleName } from '../pages/roles.js';
import { TextField } from './fields.js';

export interface AcceptInvitationProps {
  readonly csrfToken: string;
  readonly secret: string;
  readonly invitation: OpenInvitation;
  /** Who is signed in. */
  readonly account: Account | undefined;
  /** What was typed for a new account, and what is wrong with it. */
  readonly typed?:
    | {
        readonly name: string;
        /** For the hint alone. */
        readonly password?: string | undefined;
        readonly nameProblem?: string | undefined;
        readonly passwordProblem?: string | undefined;
        readonly problem?: string | undefined;
      }
    | undefined;
}

function titleOf({ organization }: OpenInvitation): string {
  return organization ? `Join ${organization.name}` : 'Set up your account';
}

function Facts({ invitation }: { invitation: OpenInvitation }): VNode {
  const { email, role, customRoleName, expiresAt, licenseId } = invitation;
  return (
    <dl class="facts">
      <div>
        <dt>Sent to</dt>
        <dd>{email}</dd>
      </div>
      {role && (
        <div>
          <dt>Your role</dt>
          <dd>
            {customRoleName ?? roleName(role)}
            {licenseId !== undefined && ', with a seat that is kept for you'}
          </dd>
        </div>
      )}
      <div>
        <dt>Open until</dt>
        <dd>
          <Moment at={expiresAt} />
        </dd>
      </div>
    </dl>
  );
}

function NewAccount({ csrfToken, secret, invitation, typed }: AcceptInvitationProps): VNode {
  const name = typed?.name ?? invitation.name ?? '';
  return (
    <form method="post" action="/invitation">
      <HiddenFields csrfToken={csrfToken} />
      <input type="hidden" name="token" value={secret} />
      <UsernameFor email={invitation.email} />
      <TextField
        id="name"
        name="name"
        label="Your name"
        autocomplete="name"
        maxLength={LONGEST_NAME}
        required
        value={name}
        error={typed?.nameProblem}
      />
      <NewPassword
        label="Password"
        use={{ about: wordsAboutInvited(invitation, name) }}
        sent={typed?.password}
        error={typed?.passwordProblem}
        autofocus={false}
      />
      <button class="button button-primary button-block" type="submit">
        {invitation.organization ? `Create the account and join` : 'Create the account'}
      </button>
    </form>
  );
}

function Answer(props: AcceptInvitationProps): VNode {
  const { account, invitation, csrfToken, secret } = props;
  const back = queryHref('/invitation', { token: secret });
  if (account && account.email === invitation.email) {
    return (
      <form class="actions" method="post" action="/invitation">
        <HiddenFields csrfToken={csrfToken} />
        <input type="hidden" name="token" value={secret} />
        <button class="button button-primary" type="submit">
          Join
        </button>
        <a class="button" href="/">
          Not now
        </a>
      </form>
    );
  }
  if (account) {
    return (
      <>
        <p>
          You are signed in as {account.email}. Sign out, and open the link again as {invitation.email}.
        </p>
        <form class="actions" method="post" action="/sign-out">
          <HiddenFields csrfToken={csrfToken} />
          <button class="button button-primary" type="submit">
            Sign out
          </button>
        </form>
      </>
    );
  }
  if (!invitation.hasAccount) return <NewAccount {...props} />;
  return (
    <div class="actions">
      <a
        class="button button-primary"
        href={queryHref('/sign-in', { return_to: back, login_hint: invitation.email })}
      >
        Sign in to join
      </a>
    </div>
  );
}

export function AcceptInvitationView(props: AcceptInvitationProps): VNode {
  const { invitation, account, typed } = props;
  const title = titleOf(invitation);
  const problem = typed?.problem ?? typed?.nameProblem ?? typed?.passwordProblem;
  return (
    <Layout title={problem === undefined ? title : `Error: ${title}`} account={account}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">{title}</h1>
        <p class="lead">
          {invitation.organization
            ? `You are invited to ${invitation.organization.name}.`
            : 'Choose what you are called and your password.'}
        </p>
        {problem !== undefined && (
          <ErrorSummary id="problem" title="Not done yet">
            {problem}
          </ErrorSummary>
        )}
        <Facts invitation={invitation} />
        <Answer {...props} />
      </section>
    </Layout>
  );
}

export function InvalidInvitationView({ account }: { account: Account | undefined }): VNode {
  return (
    <Layout title="Invitation" account={account}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">This invitation cannot be used</h1>
        <p class="lead">It was accepted, withdrawn or sent again, or it has expired.</p>
        <p>Look for a later mail, or ask whoever invited you to send it again.</p>
        <div class="actions">
          <a class="button button-primary" href={account ? '/' : '/sign-in'}>
            {account ? 'Go to the launcher' : 'Go to the sign-in page'}
          </a>
        </div>
      </section>
    </Layout>
  );
}
