import type { VNode } from 'preact';
import type { OwnSession } from '#sessions';
import { DoneNotice, HiddenFields } from '../pages/form.js';
import type { Account } from '../pages/layout.js';
import { Moment } from '../pages/moment.js';
import { AccountLayout } from './account-layout.js';

export type SessionsDone = 'ended' | 'others-ended';

type ShownSession = Omit<OwnSession, 'origin'> & {
  readonly device: string;
  /** The network address that it was signed in from, if it is known. */
  readonly address: string | undefined;
  /** Whether it is the one that looks. */
  readonly current: boolean;
};

interface SessionsProps {
  readonly account: Account;
  readonly sessions: readonly ShownSession[];
  readonly done: SessionsDone | undefined;
}

const sentences: Readonly<Record<SessionsDone, string>> = {
  ended: 'The session has ended.',
  'others-ended': 'Every other session has ended.',
};

export function SessionsView({ account, sessions, done }: SessionsProps): VNode {
  return (
    <AccountLayout title="Your sessions" path="/account/sessions" account={account}>
      <h1>Your sessions</h1>
      {done && <DoneNotice>{sentences[done]}</DoneNotice>}
      <section class="panel" aria-labelledby="sessions">
        <h2 id="sessions">Where you are signed in</h2>
        <p class="muted">
          A session that ends is signed out of every application that it was used for; those that may keep
          their access while you are away are under <a href="/account/applications">Applications</a>. If you
          do not know a session, end it, and change your password.
        </p>
        <ul class="account-list seat-list">
          {sessions.map((session) => (
            <OneSession key={session.id} session={session} csrfToken={account.csrfToken} />
          ))}
        </ul>
        {sessions.some(({ current }) => !current) && (
          <form class="actions" method="post" action="/account/sessions/end-others">
            <HiddenFields csrfToken={account.csrfToken} />
            <button class="button" type="submit">
              End all other sessions
            </button>
          </form>
        )}
      </section>
    </AccountLayout>
  );
}

function OneSession({ session, csrfToken }: { session: ShownSession; csrfToken: string }): VNode {
  const { id, device, current, address, signedInAt, lastUsedAt, organizationName } = session;
  return (
    <li>
      <span class="contact">
        <span id={`session-${id}`}>
          {device} {current && <span class="badge">This one</span>}
        </span>
        <span class="muted small">
          Signed in <Moment at={signedInAt} />
          {address !== undefined && ` from ${address}`}
        </span>
        <span class="muted small">
          Last used <Moment at={lastUsedAt} />
          {organizationName !== null && `, for ${organizationName}`}
        </span>
      </span>
      {!current && (
        <form class="actions" method="post" action={`/account/sessions/${id}/end`}>
          <HiddenFields csrfToken={csrfToken} />
          <button class="button button-quiet" type="submit" aria-describedby={`session-${id}`}>
            End
          </button>
        </form>
      )}
    </li>
  );
}
