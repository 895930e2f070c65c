import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { EventStream } from '#events';
import { Clock, KeyEncryption, randomSecret } from '#platform';
import { KeyRepository, type KeyRow } from './key.repository.js';

export type SigningAlgorithm = 'ES256' | 'RS256';

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** Signs and verifies with this key alone, which it holds as a KeyObject: a PEM would be parsed at each call. */
  readonly jwt: JwtService;
  readonly publicJwk: JWK;
}

export interface MacKey {
  readonly kid: string;
  readonly secret: Buffer;
}

interface Ring {
  readonly signing: ReadonlyMap<string, SigningKey>;
  readonly mac: ReadonlyMap<string, MacKey>;
  readonly activeSigning: ReadonlyMap<SigningAlgorithm, SigningKey>;
  readonly activeMac: MacKey;
}

/** The server's keys, opened once and held in memory; the database holds them only encrypted. */
@Injectable()
export class KeyRing implements OnModuleInit {
  private readonly logger = new Logger(KeyRing.name);
  private ring: Ring | undefined;

  constructor(
    private readonly keys: KeyRepository,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
    private readonly events: EventStream,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.load();
    this.events.subscribe(({ kind }) => {
      if (kind !== 'keys-changed') return;
      this.load().catch((error: unknown) => this.logger.error('the key ring could not be read again', error));
    });
  }

  get loaded(): boolean {
    return this.ring !== undefined;
  }

  signingKey(algorithm: SigningAlgorithm): SigningKey {
    const key = this.opened().activeSigning.get(algorithm);
    if (!key) throw new Error(`no active ${algorithm} key`);
    return key;
  }

  verificationKey(kid: string): SigningKey | undefined {
    return this.opened().signing.get(kid);
  }

  macKey(): MacKey {
    return this.opened().activeMac;
  }

  macKeyById(kid: string): MacKey | undefined {
    return this.opened().mac.get(kid);
  }

  /** RFC 7517 §5: what anybody may verify with. */
  jwks(): { keys: JWK[] } {
    return { keys: [...this.opened().signing.values()].map((key) => key.publicJwk) };
  }

  private opened(): Ring {
    if (!this.ring) throw new Error('the key ring is not loaded');
    return this.ring;
  }

  private async load(): Promise<void> {
    let rows = await this.keys.all();
    const missing = NEEDED.filter(
      (need) => !rows.some((row) => row.retired_at === null && row.algorithm === need.algorithm),
    );
    if (missing.length > 0) {
      for (const need of missing) await this.keys.addIfNone(await this.generate(need), this.clock.now());
      rows = await this.keys.all();
    }
    this.ring = this.open(rows);
  }

  private open(rows: readonly KeyRow[]): Ring {
    const signing = new Map<string, SigningKey>();
    const mac = new Map<string, MacKey>();
    const activeSigning = new Map<SigningAlgorithm, SigningKey>();
    let activeMac: MacKey | undefined;
    for (const row of rows) {
      const secret = this.encryption.decrypt(row.secret_envelope, contextOf(row));
      if (row.purpose === 'mac') {
        const key = { kid: row.kid, secret };
        mac.set(row.kid, key);
        if (row.retired_at === null) activeMac = key;
      } else {
        const key = openSigningKey(row, secret);
        signing.set(row.kid, key);
        if (row.retired_at === null) activeSigning.set(key.algorithm, key);
      }
    }
    if (!activeMac) throw new Error('no active MAC key');
    return { signing, mac, activeSigning, activeMac };
  }

  private async generate({ purpose, algorithm }: Need): Promise<Omit<KeyRow, 'retired_at'>> {
    if (purpose === 'mac') {
      const kid = randomSecret(6);
      const secret_envelope = this.encryption.encrypt(
        Buffer.from(randomSecret(), 'base64url'),
        contextOf({ purpose, kid }),
      );
      return { kid, purpose, algorithm, public_jwk: null, secret_envelope };
    }
    const { privateKey, publicKey } =
      algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = publicKey.export({ format: 'jwk' }) as JWK;
    const kid = await calculateJwkThumbprint(jwk, 'sha256');
    const secret = privateKey.export({ format: 'der', type: 'pkcs8' });
    return {
      kid,
      purpose,
      algorithm,
      public_jwk: { ...jwk, kid, use: 'sig', alg: algorithm },
      secret_envelope: this.encryption.encrypt(secret, contextOf({ purpose, kid })),
    };
  }
}

interface Need {
  readonly purpose: 'signing' | 'mac';
  readonly algorithm: string;
}

/** One active key of each; RS256 because OpenID Connect Core §15.1 makes it mandatory for ID tokens. */
const NEEDED: readonly Need[] = [
  { purpose: 'signing', algorithm: 'ES256' },
  { purpose: 'signing', algorithm: 'RS256' },
  { purpose: 'mac', algorithm: 'HS256' },
];

function contextOf({ purpose, kid }: { purpose: string; kid: string }): string {
  return `keys|${purpose}|${kid}`;
}

function openSigningKey(row: KeyRow, secret: Buffer): SigningKey {
  if (!row.public_jwk) throw new Error(`signing key ${row.kid} has no public part`);
  const privateKey = createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' });
  return {
    kid: row.kid,
    algorithm: row.algorithm as SigningAlgorithm,
    jwt: new JwtService({ privateKey, publicKey: createPublicKey(privateKey) }),
    publicJwk: row.public_jwk,
  };
}
