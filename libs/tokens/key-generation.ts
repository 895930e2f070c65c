import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign,
  webcrypto,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import { JwtService } from '@nestjs/jwt';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { KeyEncryption, randomSecret } from '#platform';
import type { KeyAlgorithm, KeyKind, KeyTimes, SigningAlgorithm } from './key-lifecycle.js';
import type { NewKey, StoredKey } from './key.repository.js';

export interface SigningKey extends KeyTimes {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** Signs and verifies with this key alone, which it holds as a KeyObject: a PEM would be parsed at each call. */
  readonly jwt: JwtService;
  /** The signature of a JWS (RFC 7515 §5.1), without what JwtService checks at each call. */
  readonly signature: (input: string) => string;
  readonly publicJwk: JWK;
}

/** Signs license files (RFC 8037 §3.1), and nothing else. */
export interface LicenseKey extends KeyTimes {
  readonly kid: string;
  readonly algorithm: 'EdDSA';
  readonly signature: (input: string) => string;
}

export interface MacKey extends KeyTimes {
  readonly kid: string;
  readonly secret: Buffer;
}

export interface EncryptionKey extends KeyTimes {
  readonly kid: string;
  readonly key: webcrypto.CryptoKey;
}

const generatePair = promisify(generateKeyPair);

/** A key of its kind, its secret in an envelope under the first key-encryption key. */
export async function generateKey(
  { purpose, algorithm }: KeyKind,
  encryption: KeyEncryption,
): Promise<NewKey> {
  if (purpose === 'mac' || purpose === 'encryption') {
    const kid = randomSecret(6);
    const secret = Buffer.from(randomSecret(), 'base64url');
    const secretEnvelope = encryption.encrypt(secret, contextOf({ purpose, kid }));
    return { kid, purpose, algorithm, publicJwk: null, secretEnvelope };
  }
  // off the event loop: an RSA key takes longer to find than many requests to answer
  const { privateKey, publicKey } = await generatePairFor(algorithm);
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk, 'sha256');
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' });
  return {
    kid,
    purpose,
    algorithm,
    publicJwk: { ...jwk, kid, use: 'sig', alg: algorithm },
    secretEnvelope: encryption.encrypt(secret, contextOf({ purpose, kid })),
  };
}

function generatePairFor(algorithm: KeyAlgorithm): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  if (algorithm === 'ES256') return generatePair('ec', { namedCurve: 'P-256' });
  return algorithm === 'EdDSA' ? generatePair('ed25519') : generatePair('rsa', { modulusLength: 2048 });
}

/** What a key's envelope is bound to. */
export function contextOf({ purpose, kid }: Pick<NewKey, 'purpose' | 'kid'>): string {
  return `keys|${purpose}|${kid}`;
}

export function openSigningKey(stored: StoredKey, encryption: KeyEncryption): SigningKey {
  if (!stored.publicJwk) throw new Error(`signing key ${stored.kid} has no public part`);
  const secret = encryption.decrypt(stored.secretEnvelope, contextOf(stored));
  const privateKey = createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' });
  return {
    ...timesOf(stored),
    kid: stored.kid,
    algorithm: stored.algorithm as SigningAlgorithm,
    jwt: new JwtService({ privateKey, publicKey: createPublicKey(privateKey) }),
    signature: signatureBy(privateKey),
    publicJwk: stored.publicJwk,
  };
}

export function openLicenseKey(stored: StoredKey, encryption: KeyEncryption): LicenseKey {
  const secret = encryption.decrypt(stored.secretEnvelope, contextOf(stored));
  const key = createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' });
  return {
    ...timesOf(stored),
    kid: stored.kid,
    algorithm: 'EdDSA',
    // Ed25519 hashes by itself: there is no digest to name
    signature: (input) => sign(null, Buffer.from(input), key).toString('base64url'),
  };
}

export function openMacKey(stored: StoredKey, encryption: KeyEncryption): MacKey {
  const secret = encryption.decrypt(stored.secretEnvelope, contextOf(stored));
  return { ...timesOf(stored), kid: stored.kid, secret };
}

export async function openEncryptionKey(
  stored: StoredKey,
  encryption: KeyEncryption,
): Promise<EncryptionKey> {
  const secret = encryption.decrypt(stored.secretEnvelope, contextOf(stored));
  const key = await webcrypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt', 'decrypt']);
  return { ...timesOf(stored), kid: stored.kid, key };
}

export function timesOf({ number, signsFrom, verifiesUntil }: KeyTimes): KeyTimes {
  return { number, signsFrom, verifiesUntil };
}

function signatureBy(key: KeyObject): (input: string) => string {
  // RFC 7518 §3.4: an ECDSA signature is R and S side by side; RSA keys take no notice of it
  const options = { key, dsaEncoding: 'ieee-p1363' } as const;
  return (input) => sign('sha256', Buffer.from(input), options).toString('base64url');
}
