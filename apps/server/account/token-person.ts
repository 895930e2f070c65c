import type { FastifyRequest } from 'fastify';
import type { LiveToken } from '#oauth';
import type { Actor } from '#observability';
import { PublicError } from '#platform';
import type { SignedInPerson } from '#sessions';

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

/** Whose password is asked for. Wrong ones are counted for the session, or for an access that hangs on none. */
export function signedInBy(token: LiveToken): SignedInPerson {
  const { userId, email, amr } = personOf(token);
  const { sid, authorization_id } = token.claims;
  return { id: sid ?? authorization_id ?? userId, userId, email, amr };
}

/** Who acts by a token, for the audit. */
export function tokenActor(token: LiveToken, { ip }: Pick<FastifyRequest, 'ip'>): Actor {
  const { userId, amr } = personOf(token);
  return { id: userId, address: ip, factor: amr.join(' ') };
}
