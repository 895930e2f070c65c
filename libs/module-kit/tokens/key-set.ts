import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
} from 'jose';
import { KitClock } from '../clock.js';
import { Revocations } from '../events/revocations.js';
import { CoreAuthClient } from '../http/core-auth.client.js';
import { SingleFlight } from '../http/single-flight.js';

type LocalKeySet = ReturnType<typeof createLocalJWKSet>;

/** Between two fetches that an unknown `kid` causes, so that made-up ids cannot flood Core Auth. */
const COOLDOWN_MS = 10_000;
/** While tokens of a new key are to be expected, made-up ids must not keep it out. */
const SHORT_COOLDOWN_MS = 500;
const NEW_KEY_EXPECTED_FOR_MS = 60_000;
/** After this age the keys are fetched again behind the requests. */
const REFRESH_AFTER_MS = 10 * 60_000;
/** Keys that could not be refreshed for this long are not trusted further. */
const TRUSTED_FOR_MS = 24 * 60 * 60_000;

const FLIGHT = 'jwks';

/** Core Auth's public signing keys, remembered. */
export class KeySet {
  private keys: LocalKeySet | undefined;
  private fetchedAt = -Infinity;
  private triedAt = -Infinity;
  private readonly flights = new SingleFlight<LocalKeySet>();

  constructor(
    private readonly client: CoreAuthClient,
    private readonly revocations: Revocations,
    private readonly clock: KitClock,
  ) {}

  /** For jose's `jwtVerify`. Throws `CoreAuthUnavailable` when there are no keys to judge with. */
  readonly find = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    // the keys that are remembered may be from before it was revoked
    if (this.revocations.hasKey(header.kid)) throw new errors.JWKSNoMatchingKey();
    const keys = await this.current();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // a fetch that is under way is waited for, whatever began it: it may bring the key
      if (!this.flights.isRunning(FLIGHT) && !this.mayFetch()) throw error;
      const fetched = await this.fetch();
      return fetched(header, token);
    }
  };

  /** When the keys were fetched last, as `KitClock.elapsed`. */
  get fetchedTime(): number | undefined {
    return Number.isFinite(this.fetchedAt) ? this.fetchedAt : undefined;
  }

  private async current(): Promise<LocalKeySet> {
    const age = this.clock.elapsed() - this.fetchedAt;
    if (!this.keys || age > TRUSTED_FOR_MS) return this.fetch();
    if (age > REFRESH_AFTER_MS && this.mayFetch()) void this.fetch().catch(() => undefined);
    return this.keys;
  }

  private mayFetch(): boolean {
    const now = this.clock.elapsed();
    const newKey = now - this.revocations.lastKeyRevocation < NEW_KEY_EXPECTED_FOR_MS;
    return now - this.triedAt >= (newKey ? SHORT_COOLDOWN_MS : COOLDOWN_MS);
  }

  private fetch(): Promise<LocalKeySet> {
    return this.flights.run(FLIGHT, async () => {
      this.triedAt = this.clock.elapsed();
      this.keys = createLocalJWKSet(await this.client.jwks());
      this.fetchedAt = this.clock.elapsed();
      return this.keys;
    });
  }
}
