import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';
import type { RedisConnection } from '#platform';
import type { DatabaseEvidence } from './controls/config/database.repository.js';

const WINDOW = 300;
const SECOND = 1_000;
/** Milliseconds; what the histogram adds to every delay. */
const RESOLUTION = 10;
const INTERVAL_SECONDS = 10;

/** Measured milliseconds of the last window; a failed measurement counts as Infinity. */
export interface Samples {
  readonly count: number;
  readonly p99: number;
}

export interface MemorySample {
  readonly at: number;
  readonly rss: number;
  readonly heap: number;
}

export interface LoopSample {
  /** Milliseconds. */
  readonly delayP99: number;
  /** 0 to 1. */
  readonly utilization: number;
}

/** What the process feels, sampled once a second over the last five minutes (memory: the last thirty). */
export class Vitals {
  private readonly databaseWaits: number[] = [];
  private readonly redisPings: number[] = [];
  readonly memory: MemorySample[] = [];
  readonly loop: LoopSample[] = [];
  /** Since when every look at readiness said yes; `performance.now()`. */
  private readySince: number | undefined;
  private readonly delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  private utilization: EventLoopUtilization = performance.eventLoopUtilization();
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;

  constructor(
    private readonly database: DatabaseEvidence,
    private readonly redis: RedisConnection,
  ) {}

  start(): void {
    if (this.timer) return;
    this.delay.enable();
    this.utilization = performance.eventLoopUtilization();
    this.timer = setInterval(() => this.sample(), SECOND);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.delay.disable();
  }

  /** From asking for a pooled connection to the answer of `SELECT 1`: an upper bound of the wait for the pool. */
  get poolWait(): Samples {
    return summarize(this.databaseWaits);
  }

  get redisPing(): Samples {
    return summarize(this.redisPings);
  }

  /** @returns for how many milliseconds readiness has been seen without a break */
  noteReadiness(ready: boolean): number {
    if (!ready) this.readySince = undefined;
    else this.readySince ??= performance.now();
    return this.readySince === undefined ? 0 : performance.now() - this.readySince;
  }

  private sample(): void {
    this.ticks += 1;
    void timed(() => this.database.ping()).then((taken) => push(this.databaseWaits, taken, WINDOW));
    if (this.redis.configured) {
      void timed(() => this.redis.run((client) => client.ping())).then((taken) =>
        push(this.redisPings, taken, WINDOW),
      );
    }
    if (this.ticks % INTERVAL_SECONDS !== 0) return;
    const { rss, heapUsed } = process.memoryUsage();
    push(this.memory, { at: performance.now(), rss, heap: heapUsed }, (6 * WINDOW) / INTERVAL_SECONDS);
    const since = performance.eventLoopUtilization(this.utilization);
    this.utilization = performance.eventLoopUtilization();
    const delayP99 = Math.max(0, this.delay.percentile(99) / 1e6 - RESOLUTION);
    push(this.loop, { delayP99, utilization: since.utilization }, WINDOW / INTERVAL_SECONDS);
    this.delay.reset();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  try {
    await work();
    return performance.now() - start;
  } catch {
    return Infinity;
  }
}

function push<T>(samples: T[], sample: T, limit: number): void {
  samples.push(sample);
  if (samples.length > limit) samples.shift();
}

function summarize(samples: readonly number[]): Samples {
  return { count: samples.length, p99: percentile(samples, 0.99) };
}

/** The nearest-rank percentile; NaN of nothing. */
function percentile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(fraction * sorted.length) - 1)] ?? NaN;
}

/** Least-squares slope in bytes per hour. */
export function slopePerHour(samples: readonly MemorySample[], of: (sample: MemorySample) => number): number {
  if (samples.length < 2) return 0;
  const meanX = samples.reduce((sum, { at }) => sum + at, 0) / samples.length;
  const meanY = samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  let covariance = 0;
  let variance = 0;
  for (const sample of samples) {
    covariance += (sample.at - meanX) * (of(sample) - meanY);
    variance += (sample.at - meanX) ** 2;
  }
  return variance === 0 ? 0 : (covariance / variance) * 3_600_000;
}
