import type { AccessTokenClaims, Actor } from '#tokens';
import type { Client } from './clients/client.js';
import type { Modules } from './module-directory.js';

/** Whether a token was issued to this client, or is meant for the module that the client is. */
export function isHolder(claims: AccessTokenClaims, client: Client, all: Modules): boolean {
  const own = client.moduleKey === null ? undefined : all.get(client.moduleKey);
  return claims.client_id === client.id || (own !== undefined && claims.aud.includes(own.baseUrl));
}

/** The `jti` of a token and of those that it was exchanged for: each of them can end it by being revoked. */
export function tokensBehind({ jti, token_chain: chain = [] }: AccessTokenClaims): string[] {
  return [jti, ...chain];
}

/** The authorizations of the people who act in a token (RFC 8693 §4.1): each of them can end it by ending. */
export function authorizationsOfActors({ act }: Pick<AccessTokenClaims, 'act'>): string[] {
  const ids: string[] = [];
  for (let actor: Actor | undefined = act; actor; actor = actor.act) {
    if (actor.authorization_id !== undefined) ids.push(actor.authorization_id);
  }
  return ids;
}

/** The clients that a token stands on: each of them can end it by being disabled. */
export function clientsBehind({
  client_id: holder,
  client_chain: chain = [],
  authorization_id: authorization,
  sub,
}: AccessTokenClaims): string[] {
  // without an authorization the subject is a client too (RFC 9068 §2.2)
  return [...new Set([holder, ...chain, ...(authorization === undefined ? [sub] : [])])];
}
