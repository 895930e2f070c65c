import { createPublicKey } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';
import { InvalidClientMetadata } from '../oauth.errors.js';
import { jsonObject, member, text, type JsonObject } from './json-members.js';

const MAX_KEYS = 10;
const MIN_RSA_BITS = 2048;
/** Members of a public key that are kept (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). */
const PUBLIC_MEMBERS = ['kty', 'kid', 'use', 'alg', 'crv', 'x', 'y', 'n', 'e'] as const;
/** RFC 7518 §6.2.2, §6.3.2, §6.4 */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * A set of public keys (RFC 7517 §5), reduced to the members that matter.
 * @throws InvalidClientMetadata when a key is private, weak or none
 */
export function readPublicKeys(value: unknown): JSONWebKeySet | undefined {
  if (value === undefined) return undefined;
  const keys = member(jsonObject(value), 'keys');
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) {
    throw new InvalidClientMetadata(`jwks must hold one to ${MAX_KEYS} keys.`);
  }
  return { keys: keys.map((key) => publicKey(jsonObject(key))) };
}

function publicKey(json: JsonObject): JWK {
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(json, name))) {
    throw new InvalidClientMetadata('jwks must hold public keys alone.');
  }
  const key: Record<string, string> = {};
  for (const name of PUBLIC_MEMBERS) {
    const value = text(json, name);
    if (value !== undefined) key[name] = value;
  }
  if (!isUsable(key)) throw new InvalidClientMetadata('jwks holds a key that cannot be used.');
  return key;
}

function isUsable(key: Record<string, string>): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' });
    return asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;
  } catch {
    return false;
  }
}
