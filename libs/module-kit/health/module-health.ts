import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { KitClock } from '../clock.js';
import { StreamHealth } from '../events/stream-health.js';
import { CoreAuthClient } from '../http/core-auth.client.js';
import { SnapshotCache } from '../licenses/snapshot-cache.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import { KeySet } from '../tokens/key-set.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import type { HealthSnapshot } from './health-snapshot.js';

const INTERVAL_MS = 10_000;

/** Measures the staleness of what this process decides by; for gauges, and for a health endpoint. */
@Injectable()
export class ModuleHealth implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('ModuleHealth');
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(KitClock) private readonly clock: KitClock,
    @Inject(StreamHealth) private readonly stream: StreamHealth,
    @Inject(TokenVerifier) private readonly tokens: TokenVerifier,
    @Inject(CoreAuthClient) private readonly client: CoreAuthClient,
    @Inject(SnapshotCache) private readonly snapshots: SnapshotCache,
    @Inject(KeySet) private readonly keys: KeySet,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.options.onHealth) return;
    this.timer = setInterval(() => this.report(), INTERVAL_MS);
    this.timer.unref();
    this.report();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  snapshot(): HealthSnapshot {
    const { size, oldestVerifiedAt } = this.snapshots.state;
    const since = this.stream.heardSince;
    return {
      hearing: this.stream.hearing,
      secondsSinceHeard: this.age(this.stream.heardAt),
      heardSince: Number.isFinite(since) ? new Date(since).toISOString() : null,
      tokensRemembered: this.tokens.size,
      introspections: this.client.introspections,
      snapshotsRemembered: size,
      oldestSnapshotSeconds: this.age(oldestVerifiedAt),
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
      this.logger.error('onHealth failed', error instanceof Error ? error.stack : undefined);
    }
  }

  /** Seconds, to the millisecond. */
  private age(at: number | undefined): number | null {
    return at === undefined ? null : Math.max(0, this.clock.now() - at) / 1000;
  }
}
