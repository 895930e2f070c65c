import type { VNode } from 'preact';
import { Icon } from './icons.js';
import { Layout, type Account } from './layout.js';
import { describeRefusal, nextStep, type Administers } from './license-refusals.js';
import { safeHref } from './links.js';
import { Moment } from './moment.js';
import { ContactList, type Contact } from './people.js';

interface LicenseRefusedProps {
  readonly module: { readonly name: string };
  /** Absent when the session has no organization (ORG_CONTEXT_REQUIRED). */
  readonly organization?: { readonly name: string } | undefined;
  /** Denial code of `decide()`. */
  readonly code: string;
  /** Which the refusal is about. */
  readonly licenseId: string | null;
  /** When a seat is free that goes to its last holder alone until then. */
  readonly seatFreeAt?: Date | null | undefined;
  readonly administers: Administers;
  /** Owners and administrators of the organization. */
  readonly contacts: readonly Contact[];
  readonly hasOtherOrganizations: boolean;
  /** Where the person was going; carried to /choose-organization so that another choice can be tried. */
  readonly returnTo?: string | undefined;
  /** The application that sent the person here. */
  readonly application?: { readonly name: string; readonly url: string } | undefined;
  readonly account?: Account | undefined;
}

function Links({ hasOtherOrganizations, organization, returnTo, application }: LicenseRefusedProps): VNode {
  const applicationHref = application && safeHref(application.url);
  const chooseHref =
    returnTo === undefined ? '' : `?${new URLSearchParams({ return_to: returnTo }).toString()}`;
  return (
    <div class="actions">
      <a class="button button-primary" href="/">
        Back to the launcher
      </a>
      {(hasOtherOrganizations || !organization) && (
        <a class="button" href={`/choose-organization${chooseHref}`}>
          {organization ? 'Choose another organization' : 'Choose an organization'}
        </a>
      )}
      {application && applicationHref !== undefined && (
        <a class="button" href={applicationHref}>
          Back to {application.name}
        </a>
      )}
    </div>
  );
}

export function LicenseRefusedView(props: LicenseRefusedProps): VNode {
  const { module, organization, code, licenseId, seatFreeAt, administers, contacts, account } = props;
  const text = describeRefusal(code, {
    module: module.name,
    organization: organization?.name ?? 'Your organization',
    seatsCool: !!seatFreeAt,
  });
  const { sentence, asksOthers, link } = nextStep(text, administers, licenseId);
  return (
    <Layout title={text.title} account={account}>
      <section class="card" aria-labelledby="heading">
        <span class="emblem">
          <Icon name="lock" />
        </span>
        <h1 id="heading">{text.title}</h1>
        <p class="lead">{text.reason}</p>
        {seatFreeAt && (
          <p>
            The next seat is free for others on <Moment at={seatFreeAt} />.
          </p>
        )}
        <p>{sentence}</p>
        {link && (
          <p>
            <a class="module-link" href={link.href}>
              {link.text}
              <Icon name="arrow" />
            </a>
          </p>
        )}
        {asksOthers && organization && (
          <>
            <h2 class="subheading">Who can help at {organization.name}</h2>
            <ContactList contacts={contacts} subject={`${module.name} for ${organization.name}`} />
          </>
        )}
        <Links {...props} />
        <p class="small muted">
          Code <code>{code}</code>
        </p>
      </section>
    </Layout>
  );
}
