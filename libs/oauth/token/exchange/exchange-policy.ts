import type { AccessTokenClaims, Actor } from '#tokens';
import type { Audience } from '../../audience.js';
import type { Client } from '../../clients/client.js';
import type { Modules } from '../../module-directory.js';
import { InvalidRequest, InvalidTarget } from '../../oauth.errors.js';
import { moduleOfScope } from '../../scope.js';
import { isHolder, tokensBehind } from '../../token-holder.js';

/** Clients through whose hands a token can go, the one that gets it not counted. */
const LONGEST_CHAIN = 4;

export interface Exchange {
  readonly client: Client;
  readonly all: Modules;
  /** Of the key that the client proved to hold. */
  readonly jkt: string | undefined;
  readonly subject: AccessTokenClaims;
  readonly actor: AccessTokenClaims | undefined;
}

/**
 * Whether this client may exchange these tokens, so far as the tokens themselves tell.
 * @throws InvalidRequest RFC 8693 §2.2.2: a token that is invalid, or unacceptable by policy
 */
export function requireAcceptable(exchange: Exchange): void {
  const reason =
    subjectProblem(exchange) ??
    (exchange.actor && actorProblem(exchange.actor, exchange)) ??
    mayActProblem(exchange);
  if (reason) throw unacceptable(reason);
}

/** RFC 8693 §2.2.2; one public sentence for all reasons, so that nobody tries tokens out here. */
export function unacceptable(reason: string): InvalidRequest {
  return new InvalidRequest(
    'The subject token or the actor token is invalid, or not acceptable from this client.',
    {
      reason,
    },
  );
}

function subjectProblem({ subject, client, all, jkt }: Exchange): string | undefined {
  if (!isHolder(subject, client, all))
    return 'the subject token is neither of this client nor for its module';
  // RFC 9449 §7: who uses a bound token proves the key, and its own client can. A module to which the token was
  // presented has checked such a proof, and can make none for that key: it binds the new token to a key of its own, so
  // that nothing that was bound becomes a bearer token.
  if (subject.cnf && jkt === undefined) return 'the subject token is bound to a key, so a proof is needed';
  if (subject.client_id === client.id && subject.cnf && subject.cnf.jkt !== jkt) {
    return 'the subject token is bound to another key';
  }
  if (client.organizationId !== null && subject.organization_id !== client.organizationId) {
    return 'the client acts for another organization';
  }
  return chainOf(subject).length > LONGEST_CHAIN ? 'the token was exchanged too often' : undefined;
}

function actorProblem(actor: AccessTokenClaims, { subject, client, jkt }: Exchange): string | undefined {
  // the client itself, or a person who is signed in to it
  if (actor.client_id !== client.id) return 'the actor token is of another client';
  if (actor.cnf && actor.cnf.jkt !== jkt) return 'the actor token is bound to another key';
  if (actor.act) return 'the actor token is itself one of somebody acting for another';
  return isForeign(actor, subject) ? 'the actor belongs to another organization' : undefined;
}

/** A machine of the suite's own acts for every organization; a person for theirs alone, or for none. */
function isForeign(actor: AccessTokenClaims, subject: AccessTokenClaims): boolean {
  if (actor.organization_id === subject.organization_id) return false;
  const everywhere = (claims: AccessTokenClaims) =>
    claims.organization_id === undefined && claims.authorization_id === undefined;
  return !everywhere(actor) && !everywhere(subject);
}

/** RFC 8693 §4.4, in delegation and impersonation alike; a client's own token it may narrow in any case. */
function mayActProblem({ subject, actor, client }: Exchange): string | undefined {
  const narrowing = actor === undefined && subject.client_id === client.id;
  const allowed = narrowing || subject.may_act === undefined || subject.may_act.client_id === client.id;
  return allowed ? undefined : 'may_act names another client';
}

/**
 * The subject token has to reach whatever the new one is for: as its audience or by a scope.
 * @throws InvalidTarget
 */
export function requireReached(audience: Audience, { subject, all }: Exchange): void {
  const reached = new Set(audience.scopes.map(moduleOfScope));
  const targets = new Set([
    ...subject.aud,
    ...[...all.values()].flatMap(({ key, baseUrl }) => (reached.has(key) ? [baseUrl] : [])),
  ]);
  if (audience.identifiers.some((identifier) => !targets.has(identifier))) {
    throw new InvalidTarget('The subject token gives nothing at this target.');
  }
}

/**
 * RFC 8693 §4.1: the present actor outermost, those before it inside. Without an actor token nobody is added, and
 * nobody who acts already is left out.
 */
export function actOf({ subject, actor }: Exchange): Actor | undefined {
  if (!actor) return subject.act;
  const { sub, client_id, authorization_id, sid, organization_id } = actor;
  return {
    sub,
    client_id,
    // of a person: the delegation lives no longer than what they signed in for, wherever it is looked at
    ...(authorization_id === undefined ? {} : { authorization_id, organization_id }),
    ...(sid === undefined ? {} : { sid }),
    ...(subject.act ? { act: subject.act } : {}),
  };
}

/** The `jti` of every token that the new one stands on. */
export function tokenChainOf({ subject, actor }: Exchange): string[] {
  return [...tokensBehind(subject), ...(actor ? tokensBehind(actor) : [])];
}

/** The clients that the new token stands on, those that held the subject token first. */
export function clientChainOf({ subject, actor }: Exchange): string[] {
  return [...chainOf(subject), ...(actor?.client_chain ?? [])];
}

/** The clients that held the tokens before the new one, the first one first. */
function chainOf(subject: AccessTokenClaims): string[] {
  return [...(subject.client_chain ?? []), subject.client_id];
}
