import type { VNode } from 'preact';
import { HiddenFields, type FormProps } from './form.js';
import { Layout } from './layout.js';
import { Monogram } from './people.js';
import { roleName, type Role } from './roles.js';

interface OrganizationChoice {
  readonly id: string;
  /** Where another of them has the same name. */
  readonly key?: string | undefined;
  readonly name: string;
  readonly role: Role;
  readonly customRole?: { readonly name: string } | null;
  readonly current: boolean;
}

interface ChooseOrganizationProps extends FormProps {
  readonly person: { readonly name: string; readonly email: string };
  readonly organizations: readonly OrganizationChoice[];
  /** The name of the one that waits for the choice. */
  readonly application?: string | undefined;
  readonly mayCreate?: boolean;
}

function Choice({ organization }: { organization: OrganizationChoice }): VNode {
  const { id, key, name, role, customRole, current } = organization;
  return (
    <li>
      <button
        class="choice"
        type="submit"
        name="organization_id"
        value={id}
        {...(current ? { 'aria-current': 'true' as const } : {})}
      >
        <Monogram name={name} />
        <span class="choice-text">
          <span class="choice-name">{name}</span>
          <span class="muted small">
            {customRole?.name ?? roleName(role)}
            {key !== undefined && `, ${key}`}
          </span>
        </span>
        {current && <span class="badge">Current</span>}
      </button>
    </li>
  );
}

/** Where one is made, and the way goes on after that. */
function createAddress(returnTo: string): string {
  return returnTo === '/'
    ? '/organization/new'
    : `/organization/new?${new URLSearchParams({ return_to: returnTo })}`;
}

export function ChooseOrganizationView(props: ChooseOrganizationProps): VNode {
  const { csrfToken, person, organizations, application, mayCreate = false } = props;
  const title = organizations.length === 0 ? 'No organization yet' : 'Choose an organization';
  return (
    <Layout title={title} account={{ ...person, csrfToken }}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">{title}</h1>
        {organizations.length === 0 ? (
          <p class="lead">
            {person.email} belongs to no organization
            {application !== undefined && (
              <>
                , and what <span class="name">{application}</span> asks for needs one
              </>
            )}
            . Ask an administrator of one for an invitation, and follow its link
            {mayCreate && '; or create one'}.
          </p>
        ) : (
          <>
            <p class="lead">
              {application === undefined
                ? 'It decides what you see, and which modules you can use.'
                : `Choose the organization to use in ${application}.`}
            </p>
            <form method="post" action="/choose-organization">
              <HiddenFields csrfToken={csrfToken} returnTo={props.returnTo} />
              <ul class="choice-list">
                {organizations.map((organization) => (
                  <Choice key={organization.id} organization={organization} />
                ))}
              </ul>
            </form>
          </>
        )}
        {mayCreate && (
          <p class="small">
            <a href={createAddress(props.returnTo)}>Create an organization</a>
          </p>
        )}
        {organizations.length === 0 && application !== undefined && (
          <form class="actions" method="post" action="/choose-organization/decline">
            <HiddenFields csrfToken={csrfToken} returnTo={props.returnTo} />
            <button class="button" type="submit">
              Back to {application}
            </button>
          </form>
        )}
      </section>
    </Layout>
  );
}
