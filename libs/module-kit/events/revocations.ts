import { LRUCache } from 'lru-cache';
import { KitClock } from '../clock.js';
import type { AccessTokenClaims, ActingPerson } from '../tokens/access-token.js';
import type { SecurityEvent, SecurityEventKind } from './security-event.js';
import { StreamHealth } from './stream-health.js';

/** `revoked`: refuse. `renew`: refuse, a new token would do. `ask`: the times are too close to tell, so Core Auth is to. */
export type Verdict = 'live' | 'revoked' | 'renew' | 'ask';

/** The longest life of an access token: nothing heard longer ago can concern a token still alive. */
const REMEMBERED_MS = 24 * 60 * 60_000;
/** More than this at a time are too many to remember; then older tokens are asked about instead. */
const MOST = 100_000;
const OF_LICENSES: ReadonlySet<SecurityEventKind> = new Set([
  ...(['license-changed', 'seat-assigned', 'seat-released', 'catalog-changed'] as const),
]);

interface Heard {
  /** The latest that the event told, in milliseconds by Core Auth's clock. */
  readonly occurredAt: number;
  /** Which of all events it was: what Core Auth answers to a question from then on, it answers in the knowledge of it. */
  readonly number: number;
}

/** What has been revoked, as heard on the event stream; kept until the tokens concerned have expired. */
export class Revocations {
  /** By `<kind> <subject>`. */
  private readonly entries: LRUCache<string, Heard>;

  private keyRevokedAt = -Infinity;
  private count = 0;

  constructor(
    private readonly clock: KitClock,
    stream: StreamHealth,
  ) {
    this.entries = new LRUCache({
      max: MOST,
      ttl: REMEMBERED_MS,
      ttlResolution: 0,
      perf: { now: () => clock.elapsed() },
      dispose: (_heard, _key, reason) => {
        if (reason === 'evict') stream.forgot();
      },
    });
  }

  apply(event: SecurityEvent): void {
    if (OF_LICENSES.has(event.kind)) return;
    const subject =
      event.kind === 'membership-changed' ? `${event.subject} ${event.organizationId ?? ''}` : event.subject;
    const key = `${event.kind} ${subject}`;
    this.count += 1;
    if (event.kind === 'key-revoked') this.keyRevokedAt = this.clock.elapsed();
    // Events are replayed after a reconnect: the later of two of one kind is the one that counts. Of two in one second,
    // which may be one that came twice, the one that was heard last.
    const before = this.entries.peek(key);
    if (!before || event.occurredAt >= before.occurredAt) {
      this.entries.set(key, { occurredAt: event.occurredAt, number: this.count });
    }
  }

  /** Whether nothing that this key has signed or encrypted counts any longer. */
  hasKey(kid: string | undefined): boolean {
    return kid !== undefined && this.entries.has(`key-revoked ${kid}`);
  }

  /** When it was last heard that a key was revoked, as `KitClock.elapsed`. */
  get lastKeyRevocation(): number {
    return this.keyRevokedAt;
  }

  /** How many events there have been: the answer to a question that is put now settles them. */
  get heard(): number {
    return this.count;
  }

  /** @param settled `heard` when the question was put to which Core Auth answered that the token is live; 0 of none */
  judge(claims: AccessTokenClaims, settled = 0): Verdict {
    // RFC 8693 section 4.1: a token that somebody acts with ends with either of the two
    const people = [claims, ...claims.actors];
    if (
      [claims.jti, ...claims.token_chain].some((jti) => this.entries.has(`token-revoked ${jti}`)) ||
      people.some((person) => this.isOver(person))
    ) {
      return 'revoked';
    }
    const timed: readonly (readonly [key: string, verdict: 'revoked' | 'renew'])[] = [
      ...people.flatMap(({ sub, organization_id: organization = '' }) => [
        [`user-disabled ${sub}`, 'revoked'] as const,
        [`credential-changed ${sub}`, 'revoked'] as const,
        [`membership-changed ${sub} ${organization}`, 'renew'] as const,
      ]),
      ...[claims.client_id, ...claims.client_chain].map(
        (id) => [`client-disabled ${id}`, 'revoked'] as const,
      ),
    ];
    const verdicts = timed.map(([key, verdict]) => this.timed(key, verdict, claims.iat, settled));
    const worst = (['revoked', 'renew', 'ask'] as const).find((verdict) => verdicts.includes(verdict));
    return worst ?? 'live';
  }

  private isOver({ sid, authorization_id: authorization }: ActingPerson): boolean {
    return (
      (sid !== undefined && this.entries.has(`session-ended ${sid}`)) ||
      (authorization !== undefined && this.entries.has(`authorization-revoked ${authorization}`))
    );
  }

  /** These can be undone or changed again: only tokens issued before are concerned. */
  private timed(key: string, verdict: 'revoked' | 'renew', iat: number, settled: number): Verdict {
    const heard = this.entries.get(key);
    if (heard === undefined) return 'live';
    const second = Math.floor(heard.occurredAt / 1000);
    if (iat < second) return verdict;
    // iat has whole seconds
    return iat === second && settled < heard.number ? 'ask' : 'live';
  }
}
