import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { setTimeout as sleep } from 'node:timers/promises';
import { KitClock } from '../clock.js';
import {
  CoreAuthClient,
  CoreAuthRefusal,
  CoreAuthUnavailable,
  type TokenResponse,
} from '../http/core-auth.client.js';
import { SingleFlight } from '../http/single-flight.js';
import { SessionTokens } from '../sign-in/session-tokens.js';
import type { ModuleSession } from './module-session.js';

/** `ended`: the refresh token is spent or revoked. `unavailable`: no answer; the old session stays as it is. */
export type RefreshOutcome =
  | { state: 'refreshed'; session: ModuleSession }
  | { state: 'ended' }
  | { state: 'refused'; reason: string }
  | { state: 'unavailable' };

const RETRY_DELAYS_MS = [100, 300];
/** A tab that still holds the former cookie gets the successor from here, without asking again. */
const SUCCESSOR_KEPT_MS = 60_000;

/** How long an answer waits for keys to verify its ID token with. */
const ANSWER_KEPT_MS = 15 * 60_000;

/** Renews a session's tokens, once per refresh token however many requests ask at a time. */
@Injectable()
export class SessionRefresher {
  private readonly flights = new SingleFlight<RefreshOutcome>();
  private readonly successors: LRUCache<string, ModuleSession>;
  /** What came for a refresh token, which is spent by that, while the keys were out of reach. */
  private readonly unverified: LRUCache<string, TokenResponse>;

  constructor(
    @Inject(CoreAuthClient) private readonly client: CoreAuthClient,
    @Inject(SessionTokens) private readonly tokens: SessionTokens,
    @Inject(KitClock) clock: KitClock,
  ) {
    const bounds = { max: 10_000, ttlResolution: 0, perf: { now: () => clock.elapsed() } };
    this.successors = new LRUCache({ ...bounds, ttl: SUCCESSOR_KEPT_MS });
    this.unverified = new LRUCache({ ...bounds, ttl: ANSWER_KEPT_MS });
  }

  async refresh(session: ModuleSession): Promise<RefreshOutcome> {
    const { refreshToken } = session;
    if (refreshToken === undefined) return { state: 'ended' };
    const key = createHash('sha256').update(refreshToken).digest('base64url');
    const successor = this.successors.get(key);
    if (successor) return { state: 'refreshed', session: successor };
    return this.flights.run(key, async () => {
      const outcome = await this.request(session, refreshToken, key);
      if (outcome.state === 'refreshed') this.successors.set(key, outcome.session);
      return outcome;
    });
  }

  private async request(session: ModuleSession, refreshToken: string, key: string): Promise<RefreshOutcome> {
    try {
      const answer = this.unverified.get(key) ?? (await this.retrying(refreshToken));
      this.unverified.set(key, answer);
      // A server that does not rotate sends no new one (RFC 6749 section 6).
      const renewed = await this.tokens.renew(session, { refresh_token: refreshToken, ...answer });
      this.unverified.delete(key);
      return { state: 'refreshed', session: renewed };
    } catch (error) {
      if (error instanceof CoreAuthUnavailable) return { state: 'unavailable' };
      this.unverified.delete(key);
      if (!(error instanceof CoreAuthRefusal)) throw error;
      return error.code === 'invalid_grant' ? { state: 'ended' } : { state: 'refused', reason: error.code };
    }
  }

  /** A lost answer is asked for again with the same token: Core Auth then gives the same successor. */
  private async retrying(refreshToken: string): Promise<TokenResponse> {
    for (const delay of RETRY_DELAYS_MS) {
      try {
        return await this.client.refresh(refreshToken);
      } catch (error) {
        if (!(error instanceof CoreAuthUnavailable)) throw error;
        await sleep(delay);
      }
    }
    return this.client.refresh(refreshToken);
  }
}
