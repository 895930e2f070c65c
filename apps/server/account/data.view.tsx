import type { VNode } from 'preact';
import { Confirmed, TextField } from '../organization/fields.js';
import type { FormFailure } from '../pages/form-failure.js';
import { titleOf } from '../pages/form-page.js';
import { DoneNotice, ErrorSummary, HiddenFields } from '../pages/form.js';
import type { Account } from '../pages/layout.js';
import { Moment } from '../pages/moment.js';
import { AccountLayout } from './account-layout.js';

export type DataDone = 'kept';

interface DataProps {
  readonly account: Account;
  /** When the account is removed; undefined while nobody asked for that. */
  readonly deletionAt: Date | undefined;
  readonly graceDays: number;
  readonly done?: DataDone | undefined;
  readonly failure?: FormFailure | undefined;
  /** What was typed into the form that was refused. */
  readonly typed?: string | undefined;
}

export function DataView(props: DataProps): VNode {
  const { account, deletionAt, done, failure } = props;
  return (
    <AccountLayout title={titleOf({ title: 'Your data', failure })} path="/account/data" account={account}>
      <h1>Your data</h1>
      {failure && (
        <ErrorSummary id="form-error" title={failure.title}>
          {failure.text}
        </ErrorSummary>
      )}
      {done && <DoneNotice>Your account is kept.</DoneNotice>}
      {deletionAt && <PendingDeletion account={account} at={deletionAt} />}
      <div class="panels">
        <Export />
        {!deletionAt && <Deletion {...props} />}
      </div>
    </AccountLayout>
  );
}

function PendingDeletion({ account, at }: { account: Account; at: Date }): VNode {
  return (
    <div class="notice notice-warning">
      <div>
        <p class="notice-title">Your account will be deleted</p>
        <p>
          It is removed after <Moment at={at} /> with everything that belongs to it, as soon as each
          organization that you own has another owner who can sign in. Until then everything works as before,
          but you count as no owner and cannot create organizations.
        </p>
        <form class="actions" method="post" action="/account/data/deletion/undo">
          <HiddenFields csrfToken={account.csrfToken} />
          <button class="button button-primary" type="submit">
            Keep the account
          </button>
        </form>
      </div>
    </div>
  );
}

function Export(): VNode {
  return (
    <section class="panel" aria-labelledby="export">
      <h2 id="export">Take your data along</h2>
      <p class="muted">
        Everything that is kept about you, as JSON: who you are, your organizations, how and where you signed
        in, what applications may do, and what was recorded of your account. Of each the newest 10,000
        entries; passwords and other secrets are not among them.
      </p>
      <p>
        <a class="button" href="/account/data/export">
          Download
        </a>
      </p>
    </section>
  );
}

function Deletion({ account, graceDays, failure, typed }: DataProps): VNode {
  const error = failure?.fields?.['confirmation'];
  return (
    <section class="panel" aria-labelledby="deletion">
      <h2 id="deletion">Delete your account</h2>
      <p class="muted">
        It is removed after {graceDays} {graceDays === 1 ? 'day' : 'days'} with everything that belongs to it,
        and you lose access to every organization and module. Until then you can undo that here. The audit
        trail keeps what you did, without your name.
      </p>
      <Confirmed summary="Delete the account" open={typed !== undefined}>
        <form method="post" action="/account/data/deletion">
          <HiddenFields csrfToken={account.csrfToken} />
          <TextField
            id="confirmation"
            name="confirmation"
            label={`Type “${account.email}” to confirm`}
            maxLength={1000}
            required
            value={typed}
            error={error}
          />
          <button class="button button-primary" type="submit">
            Delete my account
          </button>
        </form>
      </Confirmed>
    </section>
  );
}
