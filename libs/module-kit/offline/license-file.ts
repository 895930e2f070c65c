import {
  calculateJwkThumbprint,
  compactVerify,
  decodeProtectedHeader,
  importJWK,
  type CryptoKey,
  type JSONWebKeySet,
  type ProtectedHeaderParameters,
} from 'jose';
import { parseLicenseSnapshot, type LicenseSnapshot, type OfflineDenyCode } from '../licensing/index.js';

/** The explicit type (RFC 8725 §3.11) that keeps every other JWT from passing for a license file. */
export const LICENSE_FILE_TYPE = 'core-auth-license+jwt';
export const LICENSE_FILE_ALGORITHM = 'EdDSA';

/** Seconds by which the clocks of the issuer and of an instance may differ, and by which one may be set back. */
export const CLOCK_TOLERANCE = 300;

/** Days for which a file may hold. */
export const LONGEST_FILE_DAYS = 400;

/** Characters; no license comes near it. */
const LONGEST_FILE = 1_048_576;

/** What a license file says; instants are NumericDate (RFC 7519 §2). */
export interface LicenseFileClaims {
  readonly iss: string;
  /** The instance: 1 to 128 characters of `[A-Za-z0-9._-]`. */
  readonly aud: string;
  /** The organization's id. */
  readonly sub: string;
  /** The grant's id, by which the file is returned. */
  readonly jti: string;
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  /** Rises with each file of this license for this instance, from 1. */
  readonly seq: number;
  readonly seat_block: number;
  /** One license and its module; no seats, since the instance assigns those of its block itself. */
  readonly license: LicenseSnapshot;
}

export interface LicenseFileExpectations {
  readonly instance: string;
  /** Core Auth's issuer URL. */
  readonly issuer: string;
  /** The public license keys, as `/.well-known/core-auth-license-keys` and `core-auth license keys export` give them. */
  readonly keys: JSONWebKeySet;
}

/** A license file that gives nothing, and why. */
export class LicenseFileDenied extends Error {
  constructor(
    readonly code: OfflineDenyCode,
    sentence: string,
  ) {
    super(sentence);
    this.name = 'LicenseFileDenied';
  }
}

/** Whether this can name an instance. */
export function isInstanceName(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,128}$/.test(text);
}

/**
 * Everything that can be said of a license file without the time: algorithm, type, key, signature, shape, issuer and
 * instance. It needs neither network nor database.
 * @throws LicenseFileDenied OFFLINE_BAD_SIGNATURE, OFFLINE_UNKNOWN_KEY, OFFLINE_WRONG_INSTANCE
 */
export async function verifyLicenseFile(
  file: string,
  { instance, issuer, keys }: LicenseFileExpectations,
): Promise<LicenseFileClaims> {
  if (file.length > LONGEST_FILE) throw badSignature('It is too long to be a license file.');
  const jws = file.trim();
  if (!isCanonical(jws)) throw badSignature('It is no license file, or it was changed.');
  const { payload, protectedHeader } = await compactVerify(jws, ({ kid }) => keyOf(keys, kid), {
    algorithms: [LICENSE_FILE_ALGORITHM],
  }).catch((error: unknown) => {
    throw error instanceof LicenseFileDenied
      ? error
      : badSignature('It is no license file that this issuer signed with EdDSA, or it was changed.');
  });
  if (protectedHeader.typ !== LICENSE_FILE_TYPE) {
    throw badSignature(`It is signed, but it is no license file: its type is not ${LICENSE_FILE_TYPE}.`);
  }
  const claims = parseClaims(payload);
  if (claims.iss !== issuer) throw badSignature(`Another issuer has signed it: ${claims.iss}.`);
  if (claims.aud !== instance) {
    throw new LicenseFileDenied(
      'OFFLINE_WRONG_INSTANCE',
      `It was issued for another instance: ${claims.aud}.`,
    );
  }
  return claims;
}

/**
 * Whether the file holds at this instant, over `[nbf - tolerance, exp)`.
 * @throws LicenseFileDenied OFFLINE_EXPIRED
 */
export function requireInForce({ nbf, exp }: Pick<LicenseFileClaims, 'nbf' | 'exp'>, now: Date): void {
  const at = now.getTime();
  if (at >= exp * 1000) throw new LicenseFileDenied('OFFLINE_EXPIRED', 'The license file has expired.');
  if (at < (nbf - CLOCK_TOLERANCE) * 1000) {
    throw new LicenseFileDenied('OFFLINE_EXPIRED', 'The license file does not hold yet: look at the clock.');
  }
}

/**
 * What a license file says, believed of nobody: for people to read.
 * @throws LicenseFileDenied OFFLINE_BAD_SIGNATURE when it is none
 */
export function readLicenseFile(file: string): {
  header: ProtectedHeaderParameters;
  claims: LicenseFileClaims;
} {
  try {
    const header = decodeProtectedHeader(file.trim());
    if (header.typ !== LICENSE_FILE_TYPE) throw new TypeError('another type');
    return { header, claims: parseClaims(Buffer.from(file.split('.')[1] ?? '', 'base64url')) };
  } catch (error) {
    throw error instanceof LicenseFileDenied ? error : badSignature('It is no license file.');
  }
}

/** RFC 4648 §3.5: of the last character of a signature some bits mean nothing, and may not be changed all the same. */
function isCanonical(file: string): boolean {
  const signature = file.slice(file.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

/** SHA-256 in base64url. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/** Only an Ed25519 key with this id, whatever else the set holds (RFC 8725 §3.1). */
async function keyOf({ keys }: JSONWebKeySet, kid: string | undefined): Promise<CryptoKey | Uint8Array> {
  const found = keys.find((key) => key.kid === kid && key.kty === 'OKP' && key.crv === 'Ed25519');
  if (kid === undefined || !found) {
    throw unknownKey('The key that signed it is not among the license keys that this instance has.');
  }
  const damaged = unknownKey(
    'The key that signed it is damaged among the license keys that this instance has: carry them there again.',
  );
  const key = await importJWK({ ...found, alg: LICENSE_FILE_ALGORITHM }).catch(() => {
    throw damaged;
  });
  // Core Auth names a key by its thumbprint (RFC 7638 §3.1)
  if (THUMBPRINT.test(kid) && (await calculateJwkThumbprint(found)) !== kid) throw damaged;
  return key;
}

function parseClaims(payload: Uint8Array): LicenseFileClaims {
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as unknown;
    if (typeof json !== 'object' || json === null) throw new TypeError('not an object');
    const claims = json as Record<string, unknown>;
    const parsed = {
      iss: text(claims['iss']),
      aud: text(claims['aud']),
      sub: text(claims['sub']),
      jti: text(claims['jti']),
      iat: whole(claims['iat']),
      nbf: whole(claims['nbf']),
      exp: whole(claims['exp']),
      seq: whole(claims['seq']),
      seat_block: whole(claims['seat_block']),
      license: parseLicenseSnapshot(claims['license']),
    };
    if (parsed.license.organization.id !== parsed.sub || parsed.license.licenses.length !== 1) {
      throw new TypeError('not one license of the organization');
    }
    return parsed;
  } catch {
    throw badSignature('It is signed, but what it says is incomplete: this release may be too old for it.');
  }
}

function text(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new TypeError('not a text');
  return value;
}

function whole(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new TypeError('no number');
  return value;
}

function unknownKey(sentence: string): LicenseFileDenied {
  return new LicenseFileDenied('OFFLINE_UNKNOWN_KEY', sentence);
}

function badSignature(sentence: string): LicenseFileDenied {
  return new LicenseFileDenied('OFFLINE_BAD_SIGNATURE', sentence);
}
