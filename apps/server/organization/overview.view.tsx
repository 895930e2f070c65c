import type { VNode } from 'preact';
import { LONGEST_NAME, type Contact, type OrganizationDetails, type Role } from '#accounts';
import { Layout, type Account } from '../pages/layout.js';
import { MessageView } from '../pages/message.view.js';
import { Moment } from '../pages/moment.js';
import { ContactList } from '../pages/people.js';
import { roleName } from '../pages/roles.js';
import { ErrorSummary, HiddenFields } from '../pages/form.js';
import { Confirmed, FormOf, TextField } from './fields.js';
import { mayHere, type Frame } from './frame.js';
import { OrganizationLayout } from './organization-layout.js';

export function DeletionNotice({ frame, at }: { frame: Frame; at: Date }): VNode {
  return (
    <div class="notice notice-warning">
      <div>
        <p class="notice-title">{frame.organization.name} will be deleted</p>
        <p>
          It is removed on <Moment at={at} /> with everything that belongs to it. Nobody new can join.
        </p>
        {mayHere(frame, 'organization:delete') && (
          <form class="actions" method="post" action="/organization/deletion/undo">
            <FormOf frame={frame} />
            <button class="button button-primary" type="submit">
              Keep the organization
            </button>
          </form>
        )}
      </div>
    </div>
  );
}

interface OverviewProps {
  readonly frame: Frame;
  readonly details: OrganizationDetails;
  readonly counts: Readonly<Partial<Record<Role, number>>>;
  /** What the person's role is called when the organization made it. */
  readonly customRole: string | undefined;
  readonly contacts: readonly Contact[];
  readonly mayCreate: boolean;
  readonly seesLicenses: boolean;
}

function Facts({ frame, details, counts, customRole }: OverviewProps): VNode {
  const people = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">About</h2>
      <dl class="facts facts-plain">
        <div>
          <dt>Key</dt>
          <dd>
            <code>{details.key}</code>
          </dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>
            <Moment at={details.createdAt} />
          </dd>
        </div>
        <div>
          <dt>People</dt>
          <dd>{people}</dd>
        </div>
        <div>
          <dt>Your role</dt>
          <dd>{customRole ?? roleName(frame.organization.role)}</dd>
        </div>
      </dl>
    </section>
  );
}

function Leave({ frame }: { frame: Frame }): VNode {
  return (
    <section class="panel" aria-labelledby="leave">
      <h2 id="leave">Leave</h2>
      <p class="muted">
        You lose access to everything of {frame.organization.name}, in every module, at once.
      </p>
      <Confirmed summary="Leave the organization">
        <p>Only an invitation brings you back.</p>
        <form method="post" action="/organization/leave">
          <FormOf frame={frame} />
          <button class="button button-primary" type="submit">
            Leave {frame.organization.name}
          </button>
        </form>
      </Confirmed>
    </section>
  );
}

export function OverviewView(props: OverviewProps): VNode {
  const { frame, details, contacts, mayCreate, seesLicenses } = props;
  return (
    <OrganizationLayout frame={frame} path="/organization">
      {details.deletionAt && <DeletionNotice frame={frame} at={details.deletionAt} />}
      <div class="panels">
        <Facts {...props} />
        <section class="panel" aria-labelledby="contacts">
          <h2 id="contacts">Who runs it</h2>
          <ContactList contacts={contacts} subject={frame.organization.name} />
        </section>
        {seesLicenses && (
          <section class="panel" aria-labelledby="licenses">
            <h2 id="licenses">Licenses</h2>
            <p class="muted">What {frame.organization.name} has bought, and how it is used.</p>
            <p>
              <a class="button" href="/console/licenses">
                Manage licenses
              </a>
            </p>
          </section>
        )}
        <Leave frame={frame} />
        {mayCreate && (
          <section class="panel" aria-labelledby="another">
            <h2 id="another">Another organization</h2>
            <p class="muted">You can belong to several, and switch between them.</p>
            <p>
              <a class="button" href="/organization/new">
                Create an organization
              </a>
            </p>
          </section>
        )}
      </div>
    </OrganizationLayout>
  );
}

interface NewOrganizationProps {
  readonly account: Account;
  /** Where the person was going. */
  readonly returnTo?: string | undefined;
  readonly name?: string | undefined;
  /** As it was typed. */
  readonly typedKey?: string | undefined;
  readonly problem?: { readonly field: 'name' | 'key' | undefined; readonly text: string } | undefined;
}

export function NewOrganizationView({
  account,
  returnTo,
  name,
  typedKey,
  problem,
}: NewOrganizationProps): VNode {
  return (
    <Layout title={problem ? 'Error: Create an organization' : 'Create an organization'} account={account}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">Create an organization</h1>
        <p class="lead">You become its owner, and can invite others.</p>
        {problem && (
          <ErrorSummary id="problem" title="The organization was not created">
            {problem.text}
          </ErrorSummary>
        )}
        <form method="post" action="/organization/new">
          <HiddenFields csrfToken={account.csrfToken} returnTo={returnTo} />
          <TextField
            id="name"
            name="name"
            label="Name"
            autocomplete="organization"
            maxLength={LONGEST_NAME}
            required
            value={name}
            error={problem?.field === 'name' ? problem.text : undefined}
          />
          <TextField
            id="key"
            name="key"
            label="Key (optional)"
            hint="Small letters, digits and hyphens, by which it is named in files and commands. Made from the name when left empty."
            maxLength={63}
            value={typedKey}
            error={problem?.field === 'key' ? problem.text : undefined}
          />
          <button class="button button-primary button-block" type="submit">
            Create
          </button>
        </form>
      </section>
    </Layout>
  );
}

/** Where nobody creates one for themselves. */
export function CreationClosedView({ account }: { account: Account }): VNode {
  return (
    <MessageView
      title="Organizations are made for you here"
      account={account}
      action={{ href: '/', label: 'Go to the launcher' }}
    >
      <p class="lead">
        Ask whoever operates this service for a new organization, and tell them your address, {account.email}.
      </p>
      <p>To join one that there is, ask its owner or an administrator for an invitation.</p>
    </MessageView>
  );
}
