import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';
import { LICENSE_FILE_TYPE, type LicenseFileClaims } from '@core-auth/module-kit/offline';

export const DAY = 86_400_000;
export const ISSUER = 'https://auth.example';
/** When the files begin. */
export const BEGIN = Date.parse('2026-03-01T00:00:00.000Z');

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** What a file for the instance `plant` says: a block of two seats for thirty days, unless told. */
export function fileClaims(changes: Partial<LicenseFileClaims> = {}): LicenseFileClaims {
  const from = new Date(BEGIN).toISOString();
  return {
    iss: ISSUER,
    aud: 'plant',
    sub: 'organization-1',
    jti: 'grant-1',
    iat: BEGIN / 1000,
    nbf: BEGIN / 1000,
    exp: (BEGIN + 30 * DAY) / 1000,
    seq: 1,
    seat_block: 2,
    license: {
      organization: { id: 'organization-1', key: 'acme', state: 'active' },
      version: 3,
      modules: [
        {
          key: 'projects',
          name: 'Projects',
          environment: 'production',
          baseUrl: 'https://projects.example',
          features: [],
        },
      ],
      licenses: [
        {
          id: 'license-1',
          module: 'projects',
          environment: 'production',
          status: 'issued',
          startsAt: from,
          endsAt: null,
          graceDays: 0,
          trial: false,
          overage: 'refuse',
          timeZone: 'UTC',
          seatOnFirstUse: false,
          terms: [{ effectiveAt: from, seatModel: 'named', seatLimit: 10, surplusUntil: null, features: {} }],
          overrides: [],
          seats: [],
        },
      ],
    },
    ...changes,
  };
}

/** A license key of the tests' own, and what it signs. */
export class FileSigner {
  readonly keys: JSONWebKeySet;
  private readonly privateKey: KeyObject;

  constructor(readonly kid = 'key-1') {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.privateKey = privateKey;
    const jwk = publicKey.export({ format: 'jwk' }) as JWK;
    this.keys = { keys: [{ ...jwk, kid, use: 'sig', alg: 'EdDSA' }] };
  }

  sign(claims: object = fileClaims(), header: object = {}): string {
    const input = `${encode({ alg: 'EdDSA', typ: LICENSE_FILE_TYPE, kid: this.kid, ...header })}.${encode(claims)}`;
    return `${input}.${sign(null, Buffer.from(input), this.privateKey).toString('base64url')}`;
  }
}
