import { PublicError } from '#platform';

/** What hinders an act in an organization, by what its statement found; see `refusalOf`. */
export interface ActFacts {
  /** Whether the actor is, at this moment, somebody who may do such a thing. */
  readonly allowed?: boolean;
  /** Whether whom or what it is about is there. */
  readonly known?: boolean;
  /** Whether the actor may do it with this person or role. */
  readonly within?: boolean;
  /** Whether an owner would be left. */
  readonly owned?: boolean;
}

/** The first thing that hinders it; undefined when nothing does. */
export function refusalOf(facts: ActFacts | undefined, what: 'member' | 'role'): PublicError | undefined {
  if (!facts?.allowed) return notAllowed();
  if (facts.known === false) return what === 'member' ? unknownMember() : unknownRole();
  if (facts.within === false) return beyondAuthority();
  return facts.owned === false ? lastOwner() : undefined;
}

export function notAllowed(): PublicError {
  return new PublicError(
    403,
    'access_denied',
    'Your role in this organization does not allow this. Ask an owner or an administrator.',
  );
}

export function unknownMember(): PublicError {
  return new PublicError(404, 'unknown_member', 'This person does not belong to the organization.');
}

export function unknownRole(): PublicError {
  return new PublicError(404, 'unknown_role', 'The organization has no such role. Reload the page.');
}

export function beyondAuthority(): PublicError {
  return new PublicError(
    403,
    'beyond_authority',
    'Nobody gives or takes more than they have themselves. Ask an owner of the organization.',
  );
}

export function lastOwner(): PublicError {
  return new PublicError(
    409,
    'last_owner',
    'An organization is never without an owner: make somebody else an owner first.',
  );
}

export function unknownOrganization(): PublicError {
  return new PublicError(404, 'unknown_organization', 'There is no such organization.');
}
