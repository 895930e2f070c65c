import { addSeconds } from '#platform';

export type KeyPurpose = 'signing' | 'mac' | 'encryption' | 'license';
export type SigningAlgorithm = 'ES256' | 'RS256';

export type KeyAlgorithm = SigningAlgorithm | 'HS256' | 'A256GCM' | 'EdDSA';

/** Keys of one kind take turns: at every moment one of them signs (or authenticates, or encrypts). */
export interface KeyKind {
  readonly purpose: KeyPurpose;
  readonly algorithm: KeyAlgorithm;
}

/**
 * RS256 because OpenID Connect Core §15.1 makes it mandatory for ID tokens; EdDSA (Ed25519, RFC 8037) for license files
 * alone, so that nothing that signs tokens ever signs a license.
 */
export const KEY_KINDS: readonly KeyKind[] = [
  { purpose: 'signing', algorithm: 'ES256' },
  { purpose: 'signing', algorithm: 'RS256' },
  { purpose: 'mac', algorithm: 'HS256' },
  { purpose: 'encryption', algorithm: 'A256GCM' },
  { purpose: 'license', algorithm: 'EdDSA' },
];

/**
 * The kinds that take turns by themselves. License keys do so only when a person says: the instances that verify with
 * them have no network, and somebody has to carry the new key there before it signs.
 */
export const SCHEDULED_KINDS: readonly KeyKind[] = KEY_KINDS.filter(({ purpose }) => purpose !== 'license');

/**
 * A key's life, in times alone, so that no job has to decide anything: it may be used to verify as soon as it is
 * there, signs from `signsFrom` until a later one of its kind signs, and verifies until `verifiesUntil`, which is set
 * when its successor is published.
 */
export interface KeyTimes {
  /** Grows by one with each rotation of the kind. */
  readonly number: number;
  readonly signsFrom: Date;
  /** null of the newest key of a kind */
  readonly verifiesUntil: Date | null;
}

/** Seconds for which anybody may cache the JWKS. */
export const JWKS_MAX_AGE = 300;
/** Seconds after which a node has read the keys again although no event told it to. */
export const RING_REREAD = 60;

/**
 * Seconds from a key's publication to its first signature. Verifiers must know it by then: those of signatures cache
 * the JWKS, which a node that missed the event serves without the key for up to `RING_REREAD`; the module kit fetches
 * it every ten minutes. What only the server reads has to reach its nodes, by the event or at their next reading.
 */
const WAIT: Readonly<Record<KeyPurpose, number>> = {
  signing: 900,
  mac: 180,
  encryption: 180,
  license: 900,
};

const DAY = 86_400;
/**
 * Seconds that the longest-lived token of a key can live: access tokens, refresh tokens, access tokens, license files.
 */
export const LONGEST_TOKEN: Readonly<Record<KeyPurpose, number>> = {
  signing: DAY,
  mac: 30 * DAY,
  encryption: DAY,
  license: 400 * DAY,
};
/** Seconds by which clocks may differ and answers may be late. */
const MARGIN = 3600;

/** When a key that is published at `now` signs, and until when its predecessor verifies. */
export function succession(purpose: KeyPurpose, now: Date): { signsFrom: Date; predecessorUntil: Date } {
  const signsFrom = addSeconds(now, WAIT[purpose]);
  return { signsFrom, predecessorUntil: addSeconds(signsFrom, LONGEST_TOKEN[purpose] + MARGIN) };
}

/**
 * The key that signs at `at`, on every node the same one whoever asks and when.
 * @param keys of one kind, newest first
 */
export function signerAt<Key extends KeyTimes>(keys: readonly Key[], at: Date): Key | undefined {
  // of a deployment that is seconds old, a node whose clock is behind would have none: then the first signs already
  return keys.find((key) => key.signsFrom <= at) ?? keys.at(-1);
}

export function verifiesAt({ verifiesUntil }: KeyTimes, at: Date): boolean {
  return verifiesUntil === null || verifiesUntil > at;
}
