import { LRUCache } from 'lru-cache';
import { KitClock } from '../clock.js';
import type { AccessTokenClaims } from '../tokens/access-token.js';
import type { SecurityEvent } from './security-event.js';
import { StreamHealth } from './stream-health.js';

/** `revoked`: refuse. `renew`: refuse, a new token would do. `ask`: the times are too close to tell. */
export type Verdict = 'live' | 'revoked' | 'renew' | 'ask';

/** The longest life of an access token: nothing heard longer ago can concern a token still alive. */
const REMEMBERED_MS = 24 * 60 * 60_000;
/** More than this at a time are too many to remember; then older tokens are asked about instead. */
const MOST = 100_000;

/** What has been revoked, as heard on the event stream; kept until the tokens concerned have expired. */
export class Revocations {
  /** Key `<kind> <subject>`; value: when it happened, in milliseconds by Core Auth's clock. */
  private readonly entries: LRUCache<string, number>;

  private keyRevokedAt = -Infinity;

  constructor(
    private readonly clock: KitClock,
    stream: StreamHealth,
  ) {
    this.entries = new LRUCache({
      max: MOST,
      ttl: REMEMBERED_MS,
      ttlResolution: 0,
      perf: { now: () => clock.now() },
      dispose: (_happenedAt, _key, reason) => {
        if (reason === 'evict') stream.forgot();
      },
    });
  }

  apply(event: SecurityEvent): void {
    if (event.kind === 'license-changed' || event.kind === 'catalog-changed') return;
    const subject =
      event.kind === 'membership-changed' ? `${event.subject} ${event.organizationId ?? ''}` : event.subject;
    const key = `${event.kind} ${subject}`;
    if (event.kind === 'key-revoked') this.keyRevokedAt = this.clock.now();
    // Events are replayed after a reconnect: the later of two of one kind is the one that counts.
    this.entries.set(key, Math.max(event.occurredAt, this.entries.peek(key) ?? 0));
  }

  /** Whether nothing that this key has signed or encrypted counts any longer. */
  hasKey(kid: string | undefined): boolean {
    return kid !== undefined && this.entries.has(`key-revoked ${kid}`);
  }

  /** When it was last heard that a key was revoked, by this host's clock; in milliseconds since the epoch. */
  get lastKeyRevocation(): number {
    return this.keyRevokedAt;
  }

  judge(claims: AccessTokenClaims): Verdict {
    if (
      [claims.jti, ...claims.token_chain].some((jti) => this.entries.has(`token-revoked ${jti}`)) ||
      (claims.sid !== undefined && this.entries.has(`session-ended ${claims.sid}`)) ||
      (claims.authorization_id !== undefined &&
        this.entries.has(`authorization-revoked ${claims.authorization_id}`))
    ) {
      return 'revoked';
    }
    const user = this.timed(`user-disabled ${claims.sub}`, claims.iat, 'revoked');
    if (user !== 'live') return user;
    const credential = this.timed(`credential-changed ${claims.sub}`, claims.iat, 'revoked');
    if (credential !== 'live') return credential;
    for (const id of [claims.client_id, ...claims.client_chain]) {
      const client = this.timed(`client-disabled ${id}`, claims.iat, 'revoked');
      if (client !== 'live') return client;
    }
    return this.timed(
      `membership-changed ${claims.sub} ${claims.organization_id ?? ''}`,
      claims.iat,
      'renew',
    );
  }

  /** These can be undone or changed again: only tokens issued before are concerned. */
  private timed(key: string, iat: number, verdict: 'revoked' | 'renew'): Verdict {
    const occurredAt = this.entries.get(key);
    if (occurredAt === undefined) return 'live';
    const second = Math.floor(occurredAt / 1000);
    if (iat < second) return verdict;
    return iat === second ? 'ask' : 'live'; // iat has whole seconds
  }
}
