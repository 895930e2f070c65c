import type { VNode } from 'preact';
import type { AuthorizedApplication } from '#oauth';
import { DoneNotice, HiddenFields } from '../pages/form.js';
import { Icon } from '../pages/icons.js';
import type { Account } from '../pages/layout.js';
import { Moment } from '../pages/moment.js';
import { NO_ORGANIZATION } from './account-requests.js';
import { AccountLayout } from './account-layout.js';

type ShownApplication = Omit<AuthorizedApplication, 'scopes'> & {
  /** What it may do, in words. */
  readonly permissions: readonly string[];
};

interface ApplicationsProps {
  readonly account: Account;
  readonly applications: readonly ShownApplication[];
  readonly done: 'ended' | undefined;
}

export function ApplicationsView({ account, applications, done }: ApplicationsProps): VNode {
  return (
    <AccountLayout title="Your applications" path="/account/applications" account={account}>
      <h1>Your applications</h1>
      {done && (
        <DoneNotice>The access has ended. What the application knows already, it may keep.</DoneNotice>
      )}
      {applications.length === 0 && <p class="muted">No application has access to your account.</p>}
      <div class="panels">
        {applications.map((application) => (
          <Application
            key={`${application.clientId} ${application.organization?.id}`}
            application={application}
            csrfToken={account.csrfToken}
          />
        ))}
      </div>
    </AccountLayout>
  );
}

function Application({
  application,
  csrfToken,
}: {
  application: ShownApplication;
  csrfToken: string;
}): VNode {
  const { clientId, name, firstParty, organization, permissions } = application;
  const forWhich = organization?.id ?? NO_ORGANIZATION;
  const id = `application-${Buffer.from(clientId).toString('hex')}-${forWhich}`;
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>
        {name} <span class="muted">for {organization?.name ?? 'no organization'}</span>
      </h2>
      {firstParty && (
        <p>
          <span class="badge">Part of the suite</span>
        </p>
      )}
      <dl class="facts facts-plain">
        <div>
          <dt>Since</dt>
          <dd>
            <Moment at={application.since} />
          </dd>
        </div>
        <div>
          <dt>Last use</dt>
          <dd>{application.lastUsedAt ? <Moment at={application.lastUsedAt} /> : 'Not signed in now'}</dd>
        </div>
      </dl>
      <ul class="check-list">
        {permissions.map((permission) => (
          <li key={permission}>
            <Icon name="check" />
            <span>{permission}</span>
          </li>
        ))}
      </ul>
      <form class="actions" method="post" action="/account/applications/revoke">
        <HiddenFields csrfToken={csrfToken} />
        <input type="hidden" name="client_id" value={clientId} />
        <input type="hidden" name="organization_id" value={forWhich} />
        <button class="button" type="submit" aria-describedby={id}>
          End access
        </button>
      </form>
    </section>
  );
}
