import { KitClock } from '../clock.js';
import { StreamHealth } from '../events/stream-health.js';
import { CoreAuthClient } from '../http/core-auth.client.js';
import { SnapshotCache } from '../licenses/snapshot-cache.js';
import type { KitLog } from '../log.js';
import type { SeatLeases } from '../leases/seat-leases.js';
import type { DecisionCounts } from '../licenses/decision-counts.js';
import type { ResolvedOptions } from '../options.js';
import { KeySet } from '../tokens/key-set.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import type { HealthSnapshot } from './health-snapshot.js';

const INTERVAL_MS = 10_000;

/** Measures the staleness of what this process decides by; for gauges, and for a health endpoint. */
export class ModuleHealth {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly clock: KitClock,
    private readonly stream: StreamHealth,
    private readonly tokens: TokenVerifier,
    private readonly client: CoreAuthClient,
    private readonly snapshots: SnapshotCache,
    private readonly keys: KeySet,
    private readonly leases: SeatLeases,
    private readonly counts: DecisionCounts,
    private readonly log: KitLog,
  ) {}

  start(): void {
    if (!this.options.onHealth || this.timer) return;
    this.timer = setInterval(() => this.report(), INTERVAL_MS);
    this.timer.unref();
    this.report();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  snapshot(): HealthSnapshot {
    const { size, oldestVerified } = this.snapshots.state;
    const since = this.stream.heardSince;
    return {
      hearing: this.stream.hearing,
      secondsSinceHeard: this.age(this.stream.heardAt),
      heardSince: Number.isFinite(since) ? new Date(since).toISOString() : null,
      tokensRemembered: this.tokens.size,
      introspections: this.client.introspections,
      snapshotsRemembered: size,
      oldestSnapshotSeconds: this.age(oldestVerified),
      decisions: this.counts.list(),
      leasesHeld: this.leases.size,
      keysSeconds: this.age(this.keys.fetchedTime),
    };
  }

  /**
   * In the shape of a health indicator of @nestjs/terminus. A deaf module is `down` in it and still serves, slower, by
   * asking Core Auth: it belongs on a dashboard and not in a readiness check.
   */
  indicator<Key extends string>(key: Key): Record<Key, HealthSnapshot & { status: 'up' | 'down' }> {
    const snapshot = this.snapshot();
    const result = { ...snapshot, status: snapshot.hearing ? ('up' as const) : ('down' as const) };
    return { [key]: result } as Record<Key, typeof result>;
  }

  private report(): void {
    try {
      this.options.onHealth?.(this.snapshot());
    } catch (error) {
      this.log.error('onHealth failed', error instanceof Error ? error.stack : undefined);
    }
  }

  /** Seconds, to the millisecond. */
  private age(at: number | undefined): number | null {
    return at === undefined ? null : Math.max(0, this.clock.elapsed() - at) / 1000;
  }
}
