import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { JWK } from 'jose';
import { EventStream } from '#events';
import { Clock, KeyEncryption } from '#platform';
import {
  generateKey,
  openEncryptionKey,
  openMacKey,
  openSigningKey,
  timesOf,
  type EncryptionKey,
  type MacKey,
  type SigningKey,
} from './key-generation.js';
import {
  KEY_KINDS,
  SCHEDULED_KINDS,
  signerAt,
  verifiesAt,
  type KeyKind,
  type KeyTimes,
  type SigningAlgorithm,
} from './key-lifecycle.js';
import { KeyRepository, type StoredKey } from './key.repository.js';
import { publicKeysAt } from './license-keys.js';

export type { EncryptionKey, MacKey, SigningKey } from './key-generation.js';

/** Milliseconds between two readings that unknown key ids cause: made-up ones must not become a flood. */
const UNKNOWN_KEY_INTERVAL = 5000;

/** Keys by their id, of each kind the newest first. */
interface Ring {
  readonly signing: ReadonlyMap<string, SigningKey>;
  readonly mac: ReadonlyMap<string, MacKey>;
  readonly encryption: ReadonlyMap<string, EncryptionKey>;
  /** Sealed as they are stored: what signs license files opens one when it has to (`LicenseKeys`). */
  readonly license: readonly StoredKey[];
  readonly byAlgorithm: Readonly<Record<SigningAlgorithm, readonly SigningKey[]>> & {
    readonly HS256: readonly MacKey[];
    readonly A256GCM: readonly EncryptionKey[];
    readonly EdDSA: readonly StoredKey[];
  };
}

/**
 * The server's keys, opened once and held in memory; the database holds them only encrypted. Which one signs is said by
 * the clock; the ring is read again when somebody has changed it, and every minute should nobody have told.
 */
@Injectable()
export class KeyRing implements OnModuleInit {
  private readonly logger = new Logger(KeyRing.name);
  private ring: Ring | undefined;
  private reading: Promise<void> = Promise.resolve();
  private unknownAt: number | undefined;

  constructor(
    private readonly keys: KeyRepository,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
    private readonly events: EventStream,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.reload();
    const reread = () => void this.reload().catch((error: unknown) => this.complain(error));
    this.events.subscribe(({ kind }) => {
      if (kind === 'keys-changed' || kind === 'key-revoked') reread();
    });
    this.events.whenHistoryEnds(reread);
  }

  get loaded(): boolean {
    return this.ring !== undefined;
  }

  signingKey(algorithm: SigningAlgorithm): SigningKey {
    return this.signer(this.opened().byAlgorithm[algorithm], algorithm);
  }

  verificationKey(kid: string): SigningKey | undefined {
    return this.known(this.opened().signing.get(kid));
  }

  /** @param at the instant for which it authenticates; the present unless told */
  macKey(at = this.clock.now()): MacKey {
    return this.signer(this.opened().byAlgorithm.HS256, 'MAC', at);
  }

  macKeyById(kid: string): MacKey | undefined {
    return this.known(this.opened().mac.get(kid));
  }

  encryptionKey(): EncryptionKey {
    return this.signer(this.opened().byAlgorithm.A256GCM, 'encryption');
  }

  encryptionKeyById(kid: string): EncryptionKey | undefined {
    return this.known(this.opened().encryption.get(kid));
  }

  /**
   * RFC 7517 §5: what anybody may verify with. Those that will sign are there before they do, those that have signed
   * stay as long as their tokens live (OpenID Connect Core §10.1.1).
   */
  jwks(): { keys: JWK[] } {
    const now = this.clock.now();
    const keys = [...this.opened().signing.values()].filter((key) => verifiesAt(key, now));
    return { keys: keys.map((key) => key.publicJwk) };
  }

  /** What license files are verified with, which the tokens' JWKS never shows (RFC 8725 §3.11). */
  licenseJwks(): { keys: JWK[] } {
    return publicKeysAt(this.opened().license, this.clock.now());
  }

  /** The kinds that rotate by themselves of which the newest key has signed since `instant` or longer. */
  kindsSigningSince(instant: Date): KeyKind[] {
    const { byAlgorithm } = this.opened();
    return SCHEDULED_KINDS.filter(({ algorithm }) => {
      const [newest] = byAlgorithm[algorithm];
      return newest !== undefined && newest.signsFrom <= instant;
    });
  }

  /** Reads the keys; makes those of which there is none. */
  async reload(): Promise<void> {
    // one after another: what was read earlier must not replace what was read later
    const turn = this.reading.then(() => this.load());
    this.reading = turn.catch(() => undefined);
    return turn;
  }

  /**
   * For a token whose key this node does not know: reads the keys, unless that was done within the last seconds for
   * such a token. What the answer is to the token is found out by looking again.
   */
  async readForUnknownKey(): Promise<void> {
    const now = this.clock.now().getTime();
    if (this.unknownAt === undefined || Math.abs(now - this.unknownAt) >= UNKNOWN_KEY_INTERVAL) {
      this.unknownAt = now;
      await this.reload().catch((error: unknown) => this.complain(error));
    } else {
      await this.reading;
    }
  }

  private opened(): Ring {
    if (!this.ring) throw new Error('the key ring is not loaded');
    return this.ring;
  }

  private signer<Key extends KeyTimes>(keys: readonly Key[], name: string, at = this.clock.now()): Key {
    const key = signerAt(keys, at);
    if (!key) throw new Error(`no ${name} key`);
    return key;
  }

  private known<Key extends KeyTimes>(key: Key | undefined): Key | undefined {
    return key && verifiesAt(key, this.clock.now()) ? key : undefined;
  }

  private async load(): Promise<void> {
    let stored = await this.keys.all();
    const missing = KEY_KINDS.filter(
      (kind) => !stored.some((key) => key.verifiesUntil === null && key.algorithm === kind.algorithm),
    );
    if (missing.length > 0) {
      for (const kind of missing) {
        await this.keys.addFirst(await generateKey(kind, this.encryption), this.clock.now());
      }
      stored = await this.keys.all();
    }
    this.ring = await this.open(stored.filter((key) => verifiesAt(key, this.clock.now())));
  }

  /** What is open stays open: of a key nothing but its times and its envelope ever changes. */
  private async open(stored: readonly StoredKey[]): Promise<Ring> {
    const { ring: before, encryption } = this;
    const signing = new Map<string, SigningKey>();
    const mac = new Map<string, MacKey>();
    const symmetric = new Map<string, EncryptionKey>();
    for (const key of stored) {
      const { kid, purpose } = key;
      const times = timesOf(key);
      if (purpose === 'signing') {
        signing.set(kid, { ...(before?.signing.get(kid) ?? openSigningKey(key, encryption)), ...times });
      } else if (purpose === 'mac') {
        mac.set(kid, { ...(before?.mac.get(kid) ?? openMacKey(key, encryption)), ...times });
      } else if (purpose === 'encryption') {
        const open = before?.encryption.get(kid) ?? (await openEncryptionKey(key, encryption));
        symmetric.set(kid, { ...open, ...times });
      }
    }
    const ofAlgorithm = (algorithm: SigningAlgorithm) =>
      [...signing.values()].filter((key) => key.algorithm === algorithm);
    const license = stored.filter(({ purpose }) => purpose === 'license');
    return {
      signing,
      mac,
      encryption: symmetric,
      license,
      byAlgorithm: {
        ES256: ofAlgorithm('ES256'),
        RS256: ofAlgorithm('RS256'),
        HS256: [...mac.values()],
        A256GCM: [...symmetric.values()],
        EdDSA: license,
      },
    };
  }

  private complain(error: unknown): void {
    this.logger.error('the key ring could not be read again', error);
  }
}
