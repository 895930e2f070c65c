import type { VNode } from 'preact';
import { useContext } from 'preact/hooks';
import { Icon } from './icons.js';
import { Layout } from './layout.js';
import { ReadinessIsOpen } from './render.js';
import { describeRefusal, nextStep, type Administers } from './license-refusals.js';
import { mailHref, safeHref } from './links.js';
import { Moment } from './moment.js';
import { Monogram, type Contact } from './people.js';
import { roleName, type Role } from './roles.js';

interface LauncherModule {
  readonly key: string;
  readonly name: string;
  /** Where "Open" leads: the module's own sign-in, which asks nothing of a person who is signed in. */
  readonly url: string;
  readonly licensed: boolean;
  /** Denial code of `decide()` when it is not licensed. */
  readonly code?: string | undefined;
  /** Which the denial is about. */
  readonly licenseId: string | null;
}

interface LauncherProps {
  readonly csrfToken: string;
  readonly person: { readonly name: string; readonly email: string };
  readonly organization: {
    readonly name: string;
    readonly role: Role;
    readonly customRole?: { readonly name: string } | null;
  };
  readonly hasOtherOrganizations: boolean;
  readonly modules: readonly LauncherModule[];
  /** Whom to ask for a module: owners and administrators of the organization. */
  readonly contacts: readonly Contact[];
  /** What the reader can do about a denial by themselves. */
  readonly administers: Administers;
  /** Whether the reader may see the licenses. */
  readonly administersLicenses: boolean;
  readonly signedInAt: Date;
}

function OpenModule({ module, organization }: { module: LauncherModule; organization: string }): VNode {
  const href = safeHref(module.url);
  return (
    <li class="module">
      <Monogram name={module.name} />
      <h3>{module.name}</h3>
      <p class="muted">Included in the licenses of {organization}.</p>
      <p class="module-foot">
        {href === undefined ? (
          <span class="muted">The address of this module is not valid.</span>
        ) : (
          <a class="module-link" href={href}>
            Open {module.name}
            <Icon name="arrow" />
          </a>
        )}
      </p>
    </li>
  );
}

interface ClosedModuleProps {
  readonly module: LauncherModule;
  readonly organization: string;
  readonly contacts: readonly Contact[];
  readonly administers: Administers;
}

function ClosedModule({ module, organization, contacts, administers }: ClosedModuleProps): VNode {
  const text = describeRefusal(module.code ?? 'NO_LICENSE', { module: module.name, organization });
  const { sentence, asksOthers, link } = nextStep(text, administers, module.licenseId);
  return (
    <li class="module module-closed">
      <Monogram name={module.name} />
      <h3>
        {module.name}
        <span class="badge">
          <Icon name="lock" />
          Not available
        </span>
      </h3>
      <p class="muted">{text.reason}</p>
      <p class="module-foot small">
        {asksOthers ? <WhomToAsk {...{ module, organization, contacts }} /> : sentence}{' '}
        {link && <a href={link.href}>{link.text}</a>}
      </p>
    </li>
  );
}

function WhomToAsk({
  module,
  organization,
  contacts,
}: Pick<ClosedModuleProps, 'module' | 'organization' | 'contacts'>): VNode {
  if (contacts.length === 0) return <>Ask the person who invited you to the organization.</>;
  return (
    <>
      {contacts.slice(0, 2).map((contact, index) => (
        <span key={contact.email}>
          {index === 0 ? 'Ask ' : ' or '}
          <a href={mailHref(contact.email, `${module.name} for ${organization}`)}>{contact.name}</a>
        </span>
      ))}
    </>
  );
}

function Organization({ organization, hasOtherOrganizations, administersLicenses }: LauncherProps): VNode {
  return (
    <div class="organization">
      <Monogram name={organization.name} />
      <div class="organization-text">
        <span class="organization-name">{organization.name}</span>
        <span class="muted small">
          Your role: {organization.customRole?.name ?? roleName(organization.role)}
        </span>
      </div>
      {hasOtherOrganizations && (
        <a class="button" href="/choose-organization">
          Switch organization
        </a>
      )}
      <a class="button" href="/organization">
        Organization
      </a>
      {administersLicenses && (
        <a class="button" href="/console/licenses">
          Manage licenses
        </a>
      )}
    </div>
  );
}

function Session({ person, signedInAt }: LauncherProps): VNode {
  return (
    <section class="panel" aria-labelledby="session">
      <h2 id="session">Your session</h2>
      <dl class="facts facts-plain">
        <div>
          <dt>Signed in as</dt>
          <dd>{person.email}</dd>
        </div>
        <div>
          <dt>Signed in since</dt>
          <dd>
            <Moment at={signedInAt} />
          </dd>
        </div>
      </dl>
      <p>
        <a class="module-link" href="/account">
          Your account
          <Icon name="arrow" />
        </a>
      </p>
    </section>
  );
}

function Readiness(): VNode | null {
  if (!useContext(ReadinessIsOpen)) return null;
  return (
    <section class="panel" aria-labelledby="readiness">
      <h2 id="readiness">Production readiness</h2>
      <p class="muted">What has been proved about this installation, item by item.</p>
      <p>
        <a class="module-link" href="/readiness">
          See the report
          <Icon name="arrow" />
        </a>
      </p>
    </section>
  );
}

export function LauncherView(props: LauncherProps): VNode {
  const { csrfToken, person, organization, modules, contacts, administers } = props;
  return (
    <Layout title="Launcher" width="wide" account={{ ...person, csrfToken }}>
      <div class="hero">
        <h1>Welcome, {person.name}</h1>
        <Organization {...props} />
      </div>
      <section aria-labelledby="modules">
        <h2 id="modules">Modules</h2>
        {modules.length === 0 ? (
          <p class="muted">No module has been set up on this installation yet.</p>
        ) : (
          <ul class="module-grid">
            {modules.map((module) =>
              module.licensed ? (
                <OpenModule key={module.key} module={module} organization={organization.name} />
              ) : (
                <ClosedModule
                  key={module.key}
                  module={module}
                  organization={organization.name}
                  contacts={contacts}
                  administers={administers}
                />
              ),
            )}
          </ul>
        )}
      </section>
      <div class="panels">
        <Session {...props} />
        <Readiness />
      </div>
    </Layout>
  );
}
