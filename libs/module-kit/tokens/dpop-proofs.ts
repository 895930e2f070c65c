import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { KitClock } from '../clock.js';
import { checkUnavailable } from '../http/problem.exception.js';
import { sentUrl, type KitCall } from '../http/http-types.js';
import type { ResolvedOptions } from '../options.js';
import { InvalidProofError, PROOF_LIFETIME_MS, verifyDpopProof } from './dpop-proof.js';
import type { DpopReplayStore } from './dpop-replay-store.js';

/** More than this in the life of a proof are refused rather than forgotten: the oldest could be replayed. */
const MOST_REMEMBERED = 200_000;

/** This process's own memory of used proofs. */
export class ProcessReplayStore implements DpopReplayStore {
  private readonly used: LRUCache<string, true>;

  constructor(
    clock: KitClock,
    private readonly most = MOST_REMEMBERED,
  ) {
    this.used = new LRUCache({ max: most, ttlResolution: 0, perf: { now: () => clock.elapsed() } });
  }

  use(key: string, lifetimeMs: number): boolean {
    if (this.used.has(key)) return false;
    if (this.used.size >= this.most) this.used.purgeStale();
    if (this.used.size >= this.most) throw checkUnavailable();
    this.used.set(key, true, { ttl: lifetimeMs });
    return true;
  }
}

/** Proofs of possession at this module (RFC 9449 §7). */
export class DpopProofs {
  private readonly replays: DpopReplayStore;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly clock: KitClock,
  ) {
    this.replays = options.dpopReplayStore ?? new ProcessReplayStore(clock);
  }

  /**
   * Holds a request with a bound token to its proof.
   * @param jkt the `cnf.jkt` of the token
   * @throws InvalidProofError; 503 `CHECK_UNAVAILABLE` when it cannot be known whether the proof was used
   */
  async require(request: KitCall, accessToken: string, jkt: string): Promise<void> {
    const header = request.headers['dpop'];
    const jti = await verifyDpopProof(typeof header === 'string' ? header : undefined, {
      method: request.method,
      url: this.options.moduleUrl + pathOf(sentUrl(request)),
      accessToken,
      jkt,
      now: this.clock.now(),
    });
    // §11.1: once; last, so that nobody spends another's proof. A jti is unique among the proofs of one key.
    const key = createHash('sha256').update(`${jkt} ${jti}`).digest('base64url');
    if (!(await this.replays.use(key, PROOF_LIFETIME_MS)))
      throw new InvalidProofError('The proof has been used before');
  }
}

function pathOf(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? '/';
}
