import type { FastifyRequest } from 'fastify';
import type { LiveToken } from '#oauth';
import type { Actor } from '#observability';
import { PublicError } from '#platform';
import { actorOf, type SignedInPerson } from '#sessions';

type TokenPerson = NonNullable<LiveToken['person']>;

/** @throws PublicError 403 for the token of a machine */
export function personOf({ person }: LiveToken): TokenPerson {
  if (person) return person;
  throw new PublicError(
    403,
    'access_denied',
    'This token is of a machine, which has no account. Use a token that a person has allowed.',
  );
}

/** The organization that a token is for, which is the one alone that it tells of; null when it is for none. */
export function organizationOf({ claims }: LiveToken): string | null {
  return claims.organization_id ?? null;
}

/** Whose password is asked for. Wrong ones are counted for the session, or for an access that hangs on none. */
export function signedInBy(token: LiveToken): SignedInPerson {
  const { userId, email, amr } = personOf(token);
  const { sid, authorization_id, client_id: client } = token.claims;
  return { id: sid ?? authorization_id ?? userId, userId, email, amr, client };
}

/** Who acts by a token, for the audit: the person, by the application that holds it. */
export function tokenActor(token: LiveToken, { ip }: Pick<FastifyRequest, 'ip'>): Actor {
  return actorOf(signedInBy(token), ip);
}
