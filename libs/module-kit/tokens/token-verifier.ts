import { createHash } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { LRUCache } from 'lru-cache';
import { KitClock } from '../clock.js';
import { Revocations } from '../events/revocations.js';
import { StreamHealth } from '../events/stream-health.js';
import { CoreAuthClient, CoreAuthRefusal, CoreAuthUnavailable } from '../http/core-auth.client.js';
import { checkUnavailable } from '../http/problem.exception.js';
import { SingleFlight } from '../http/single-flight.js';
import type { ResolvedOptions } from '../options.js';
import {
  InvalidTokenError,
  readIntrospection,
  verifyAccessToken,
  type AccessTokenClaims,
} from './access-token.js';
import { KeySet } from './key-set.js';

interface Remembered {
  claims: AccessTokenClaims;
  /** Of the key that signed or encrypted it. */
  kid: string | undefined;
  /** Only Core Auth can read it: what it is was learned by asking. */
  opaque: boolean;
  /** When the question was put to which Core Auth answered that the token is live, as `KitClock.elapsed`. */
  confirmedAt: number;
  /** How many events had been heard by then. */
  settled: number;
  /** When it was last accepted while the stream was heard, as `KitClock.elapsed`. */
  acceptedAt: number;
  /** Core Auth said that the token is not live; that never changes back. */
  dead: boolean;
}

/** An introspection's answer is used again for at most this long while the stream is silent. */
const ANSWER_GOOD_FOR_MS = 5000;
/** With the stream up, an opaque token is asked about again after this long: no signature vouches for it here. */
const OPAQUE_GOOD_FOR_MS = 60_000;
/** After a question without an answer, what was known before stands for as long without another one. */
const UNANSWERED_FOR_MS = 3000;
/** A question is given up after this long when what was known before may stand. */
const STALE_WAIT_MS = 1000;
/** Times that one request asks about a token while more is heard of whom it stands on. */
const MOST_QUESTIONS = 3;
/** Core Auth's clock may be ahead of ours by this much without a token being taken for younger than it is. */
const CLOCK_TOLERANCE_MS = 2000;

/** The token is live, but older than a change of the person's membership: a new one would do. */
export class OutdatedTokenError extends InvalidTokenError {}

/**
 * Says whether an access token is to be accepted now. Signature and claims are verified here and remembered by the
 * token's SHA-256; revocations come by the event stream; Core Auth is asked only about tokens from before the stream
 * was heard, and about every token while the stream is silent. A token that is no JWT is read by Core Auth, and asked
 * about again each minute, and each time while the stream is silent. While Core Auth does not answer at all, a token that
 * was known to be live stands for the stale allowance; one that nobody vouched for does not.
 */
export class TokenVerifier {
  private readonly remembered: LRUCache<string, Remembered>;
  private readonly introspections = new SingleFlight<void>();
  private readonly readings = new SingleFlight<Remembered>();
  /** When a question was last found to have no answer. */
  private unansweredAt = -Infinity;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly client: CoreAuthClient,
    private readonly keys: KeySet,
    private readonly revocations: Revocations,
    private readonly stream: StreamHealth,
    private readonly clock: KitClock,
  ) {
    this.remembered = new LRUCache({ max: 10_000 });
  }

  /**
   * Throws `InvalidTokenError` (`OutdatedTokenError` when a refresh would help), or 503 `CHECK_UNAVAILABLE` when it
   * cannot be known.
   */
  async verify(token: string): Promise<AccessTokenClaims> {
    const hash = createHash('sha256').update(token).digest('base64url');
    const { entry, justAsked } = await this.recall(hash, token);
    let verdict = this.refusal(entry);
    if (!justAsked && verdict !== 'ask' && this.mustAsk(entry)) {
      await this.ask(hash, token, entry, true);
      verdict = this.refusal(entry); // what was heard while the question was under way counts too
    }
    for (let asked = 0; verdict === 'ask'; asked += 1) {
      if (asked === MOST_QUESTIONS) throw checkUnavailable();
      await this.ask(hash, token, entry, false);
      verdict = this.refusal(entry);
    }
    if (this.stream.hearing) entry.acceptedAt = this.clock.elapsed();
    return entry.claims;
  }

  /** How many tokens are remembered. */
  get size(): number {
    return this.remembered.size;
  }

  private async recall(hash: string, token: string): Promise<{ entry: Remembered; justAsked: boolean }> {
    const known = this.remembered.get(hash);
    if (known) {
      if (known.claims.exp * 1000 <= this.clock.now())
        throw new InvalidTokenError('The access token has expired');
      return { entry: known, justAsked: false };
    }
    // RFC 7519 section 7.2, RFC 7515 section 3.1: a signed JWT has three parts
    if (token.split('.').length !== 3) {
      const entry = await this.readings.run(hash, () => this.readOpaque(hash, token));
      return { entry, justAsked: true };
    }
    const claims = await this.verifyLocally(token);
    const entry: Remembered = {
      claims,
      kid: keyIdOf(token),
      opaque: false,
      confirmedAt: -Infinity,
      settled: 0,
      acceptedAt: -Infinity,
      dead: false,
    };
    this.remembered.set(hash, entry);
    return { entry, justAsked: false };
  }

  /** What nobody vouches for is not remembered, so that made-up tokens push no good ones out. */
  private async readOpaque(hash: string, token: string): Promise<Remembered> {
    const asked = this.clock.elapsed();
    const settled = this.revocations.heard;
    try {
      const answer = await this.client.introspect(token);
      if (!answer) throw new InvalidTokenError('The access token is not valid');
      const claims = readIntrospection(answer, {
        issuer: this.options.coreAuthUrl,
        audience: this.options.moduleUrl,
        now: new Date(this.clock.now()),
        hash,
      });
      const entry: Remembered = {
        claims,
        kid: keyIdOf(token),
        opaque: true,
        confirmedAt: asked,
        settled,
        acceptedAt: -Infinity,
        dead: false,
      };
      this.remembered.set(hash, entry);
      return entry;
    } catch (error) {
      if (error instanceof CoreAuthUnavailable || error instanceof CoreAuthRefusal) throw checkUnavailable();
      throw error;
    }
  }

  private async verifyLocally(token: string): Promise<AccessTokenClaims> {
    try {
      return await verifyAccessToken(token, this.keys.find, {
        issuer: this.options.coreAuthUrl,
        audience: this.options.moduleUrl,
        now: new Date(this.clock.now()),
      });
    } catch (error) {
      if (error instanceof InvalidTokenError) throw error;
      if (error instanceof CoreAuthUnavailable || error instanceof CoreAuthRefusal) throw checkUnavailable();
      throw error;
    }
  }

  private refusal(entry: Remembered): 'ask' | undefined {
    if (entry.dead || this.revocations.hasKey(entry.kid))
      throw new InvalidTokenError('The access token has been revoked');
    const verdict = this.revocations.judge(entry.claims, entry.settled);
    if (verdict === 'revoked') throw new InvalidTokenError('The access token has been revoked');
    if (verdict === 'renew')
      throw new OutdatedTokenError('The access token is older than a change of membership');
    return verdict === 'ask' ? verdict : undefined;
  }

  private mustAsk(entry: Remembered): boolean {
    const age = this.clock.elapsed() - entry.confirmedAt;
    if (entry.opaque) {
      // an answer counts only while what would take it back is heard
      if (!this.stream.hearing) return true;
      return age >= OPAQUE_GOOD_FOR_MS || entry.confirmedAt < this.stream.heardSinceElapsed;
    }
    if (!this.stream.hearing) return age >= ANSWER_GOOD_FOR_MS;
    const { heardSince, heardSinceElapsed } = this.stream;
    // A token from before may have been revoked before anybody here listened: ask once.
    return entry.claims.iat * 1000 < heardSince + CLOCK_TOLERANCE_MS && entry.confirmedAt < heardSinceElapsed;
  }

  /** @param mayStand whether what was known before counts when Core Auth does not answer */
  private async ask(hash: string, token: string, entry: Remembered, mayStand: boolean): Promise<void> {
    const stands = mayStand && this.wasLiveLately(entry);
    if (stands && this.clock.elapsed() - this.unansweredAt < UNANSWERED_FOR_MS) return;
    await this.introspections.run(hash, async () => {
      const asked = { confirmedAt: this.clock.elapsed(), settled: this.revocations.heard };
      try {
        if (await this.client.introspect(token, stands ? STALE_WAIT_MS : undefined))
          Object.assign(entry, asked);
        else entry.dead = true;
        this.unansweredAt = -Infinity;
      } catch (error) {
        if (error instanceof CoreAuthUnavailable) this.unansweredAt = this.clock.elapsed();
        if (error instanceof CoreAuthUnavailable && stands) return;
        if (error instanceof CoreAuthUnavailable || error instanceof CoreAuthRefusal)
          throw checkUnavailable();
        throw error;
      }
    });
  }

  private wasLiveLately({ confirmedAt, acceptedAt }: Remembered): boolean {
    return this.clock.elapsed() - Math.max(confirmedAt, acceptedAt) <= this.options.staleAllowanceMs;
  }
}

function keyIdOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}
