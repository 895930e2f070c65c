import type { VNode } from 'preact';
import type { CustomRole, Member } from '#accounts';
import { queryHref } from '../pages/links.js';
import { Moment } from '../pages/moment.js';
import { Monogram } from '../pages/people.js';
import { roleName } from '../pages/roles.js';
import { Confirmed, FormOf, SelectField } from './fields.js';
import { mayHere, type Frame } from './frame.js';
import { OrganizationLayout } from './organization-layout.js';
import { roleChoices, roleValue } from './role-choices.js';

interface PeopleProps {
  readonly frame: Frame;
  readonly search: string;
  readonly members: readonly Member[];
  /** After whom the next page begins. */
  readonly next: string | undefined;
  readonly roles: readonly CustomRole[];
}

type OfMember = Pick<PeopleProps, 'frame' | 'roles'> & { readonly member: Member };

function ChangeRole({ frame, roles, member }: OfMember): VNode {
  return (
    <Confirmed summary="Change role" label={`Change role of ${member.name}`}>
      <form method="post" action={`/organization/people/${member.userId}/role`}>
        <FormOf frame={frame} />
        <SelectField
          id={`role-${member.userId}`}
          name="role"
          label="Role"
          value={roleValue(member.role, member.customRole?.id)}
          options={roleChoices(frame.organization.role, roles)}
        />
        <button class="button button-primary" type="submit">
          Change the role
        </button>
      </form>
    </Confirmed>
  );
}

function Transfer({ frame, member }: Omit<OfMember, 'roles'>): VNode {
  return (
    <Confirmed summary="Hand over" label={`Hand over the organization to ${member.name}`}>
      <p>
        {member.name} becomes the owner in your place, and you an administrator. Only {member.name} can undo
        that.
      </p>
      <form method="post" action={`/organization/people/${member.userId}/transfer`}>
        <FormOf frame={frame} />
        <button class="button button-primary" type="submit">
          Hand over
        </button>
      </form>
    </Confirmed>
  );
}

function Remove({ frame, member }: Omit<OfMember, 'roles'>): VNode {
  return (
    <Confirmed summary="Remove" label={`Remove ${member.name}`}>
      <p>
        {member.name} loses access to everything of {frame.organization.name}, in every module, at once.
      </p>
      <form method="post" action={`/organization/people/${member.userId}/remove`}>
        <FormOf frame={frame} />
        <button class="button button-primary" type="submit">
          Remove
        </button>
      </form>
    </Confirmed>
  );
}

function MemberRow({ frame, roles, member }: OfMember): VNode {
  const runs = frame.organization.role === 'owner' || member.role !== 'owner';
  const self = member.userId === frame.userId;
  return (
    <li class="item member">
      <Monogram name={member.name} />
      <span class="contact">
        <span class="member-name">
          {member.name} {self && <span class="badge">You</span>}{' '}
          {member.disabledAt && <span class="badge">Disabled</span>}
        </span>
        <span class="muted small">{member.email}</span>
      </span>
      <span class="contact">
        <span>{member.customRole?.name ?? roleName(member.role)}</span>
        <span class="muted small">
          Since <Moment at={member.joinedAt} />
        </span>
        {!member.secondFactor && <span class="muted small">No second factor</span>}
      </span>
      {runs && (
        <div class="member-acts">
          <ChangeRole {...{ frame, roles, member }} />
          {!self && member.disabledAt === null && mayHere(frame, 'organization:transfer') && (
            <Transfer {...{ frame, member }} />
          )}
          {!self && <Remove {...{ frame, member }} />}
        </div>
      )}
    </li>
  );
}

export function PeopleView({ frame, search, members, next, roles }: PeopleProps): VNode {
  const q = search === '' ? undefined : search;
  return (
    <OrganizationLayout frame={frame} path="/organization/people">
      <form class="search" method="get" action="/organization/people" role="search">
        <div class="field">
          <label for="q">Name or e-mail address</label>
          <input id="q" name="q" type="search" value={search} maxLength={100} />
        </div>
        <button class="button" type="submit">
          Search
        </button>
      </form>
      {members.length === 0 ? (
        <p class="muted">
          {q === undefined ? 'This page is empty.' : `Nobody here is called or reached by “${search}”.`}
        </p>
      ) : (
        <ul class="item-list console-list">
          {members.map((member) => (
            <MemberRow key={member.userId} {...{ frame, roles, member }} />
          ))}
        </ul>
      )}
      {next !== undefined && (
        <p>
          <a class="button" href={queryHref('/organization/people', { q, after: next })}>
            Next people
          </a>
        </p>
      )}
    </OrganizationLayout>
  );
}
