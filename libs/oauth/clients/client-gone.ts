import { InvalidClient } from '../oauth.errors.js';

/** PostgreSQL's foreign_key_violation */
const FOREIGN_KEY_VIOLATION = '23503';
const OF_A_CLIENT = /_client_id_fkey$/;

/**
 * A client may be removed at the very moment at which it comes back after a long time: what was to be kept for it then
 * has no client to belong to.
 */
export function isClientGone(error: unknown): boolean {
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  return code === FOREIGN_KEY_VIOLATION && typeof constraint === 'string' && OF_A_CLIENT.test(constraint);
}

/** @param authorization the header of the request that it was found at */
export function clientGone(authorization: string | undefined): InvalidClient {
  return new InvalidClient('the client was removed at this moment', /^Basic\b/i.test(authorization ?? ''));
}
