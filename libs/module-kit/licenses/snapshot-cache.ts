import { LRUCache } from 'lru-cache';
import { KitClock } from '../clock.js';
import { StreamHealth } from '../events/stream-health.js';
import { CoreAuthClient, CoreAuthRefusal } from '../http/core-auth.client.js';
import { SingleFlight } from '../http/single-flight.js';
import {
  decide,
  parseLicenseSnapshot,
  type DecisionQuestion,
  type LicenseSnapshot,
} from '../licensing/index.js';
import type { KitLog } from '../log.js';
import type { ResolvedOptions } from '../options.js';

/** What can be said about an organization's licenses now. */
export type SnapshotAnswer =
  /** Verified; `undefined` when Core Auth knows no such organization. */
  | { state: 'current'; snapshot: LicenseSnapshot | undefined }
  /** Core Auth is away; this was verified at `verifiedAt` (ms) and nothing newer has been heard. */
  | { state: 'stale'; snapshot: LicenseSnapshot | undefined; verifiedAt: number }
  | { state: 'unavailable' };

interface Entry {
  snapshot: LicenseSnapshot | undefined;
  /** When the question was put that brought this snapshot, in milliseconds. Never moved by a failure. */
  verifiedAt: number;
  /** The same moment as `KitClock.elapsed`, by which its age is told. */
  verified: number;
  /** Ask again from this instant on: a license begins, ends or changes by the clock. */
  transitionAt: number;
  /** A change has been heard since: good for nothing but to refuse. */
  outdated: boolean;
}

/** When pushes are lost a snapshot is at most this old; with the question that follows, 5 s are kept. */
const DEAF_AGE_MS = 4000;
/** After a failure, the next request to Core Auth about that organization waits this long. */
const PAUSE_AFTER_FAILURE_MS = 1000;

/** Times that one request asks for a snapshot which changes are overtaking. */
const MOST_QUESTIONS = 3;

/** Organizations' license snapshots in this process, pushed out by the event stream. */
export class SnapshotCache {
  private readonly entries = new LRUCache<string, Entry>({ max: 5000 });
  private readonly failedAt = new LRUCache<string, number>({ max: 5000 });
  private readonly flights = new SingleFlight<boolean>();
  /** Grows with every change heard, so that an answer asked for before is not taken for one after. */
  private readonly changes = new LRUCache<string, number>({ max: 20_000 });
  private catalogChanges = 0;
  /** How often everything was forgotten. */
  private past = 0;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly client: CoreAuthClient,
    private readonly stream: StreamHealth,
    private readonly clock: KitClock,
    private readonly log: KitLog,
  ) {}

  /** Never throws for want of Core Auth. */
  async get(organizationId: string): Promise<SnapshotAnswer> {
    const held = this.entries.get(organizationId);
    if (held && this.isCurrent(held)) return { state: 'current', snapshot: held.snapshot };
    let fetched = await this.refetch(organizationId);
    let entry = this.entries.get(organizationId);
    // what is heard while the answer is on its way makes it one from before: it is asked for again
    for (let asked = 1; asked < MOST_QUESTIONS && fetched && (!entry || entry.outdated); asked += 1) {
      fetched = await this.refetch(organizationId);
      entry = this.entries.get(organizationId);
    }
    if (!entry) return { state: 'unavailable' };
    if (fetched && !entry.outdated) return { state: 'current', snapshot: entry.snapshot };
    const age = this.clock.elapsed() - entry.verified;
    if (entry.outdated || age > this.options.staleAllowanceMs) return { state: 'unavailable' };
    return { state: 'stale', snapshot: entry.snapshot, verifiedAt: entry.verifiedAt };
  }

  /** Changes are heard of; otherwise a snapshot is good for a few seconds. */
  get heard(): boolean {
    return this.stream.hearing;
  }

  /** The version last seen of an organization's licenses. */
  knownVersion(organizationId: string): number | undefined {
    return this.entries.get(organizationId)?.snapshot?.version;
  }

  /** A change was heard: the next decision waits for a new snapshot. */
  drop(organizationId: string): void {
    this.changes.set(organizationId, (this.changes.get(organizationId) ?? 0) + 1);
    const entry = this.entries.get(organizationId);
    if (entry) entry.outdated = true;
    this.flights.forget(organizationId);
    this.failedAt.delete(organizationId);
  }

  /** The catalog changed, which any organization's snapshot may show: each is asked for again. */
  dropAll(): void {
    this.catalogChanges += 1;
    for (const [organizationId, entry] of this.entries.entries()) {
      entry.outdated = true;
      this.flights.forget(organizationId);
    }
    this.failedAt.clear();
  }

  /**
   * The place in the stream was lost, perhaps because the database goes on from a backup: then a version may be lower
   * than one that was seen, and what was seen is worth nothing.
   */
  forgetAll(): void {
    this.dropAll();
    for (const organizationId of this.flights.keys()) this.flights.forget(organizationId);
    this.entries.clear();
    this.past += 1;
  }

  /** How many are remembered, and when the one was verified that was verified longest ago, as `KitClock.elapsed`. */
  get state(): { size: number; oldestVerified: number | undefined } {
    let oldest: number | undefined;
    for (const { verified } of this.entries.values()) oldest = Math.min(oldest ?? Infinity, verified);
    return { size: this.entries.size, oldestVerified: oldest };
  }

  private changesOf(organizationId: string): number {
    return (this.changes.get(organizationId) ?? 0) + this.catalogChanges;
  }

  private isCurrent(entry: Entry): boolean {
    if (entry.outdated || this.clock.now() >= entry.transitionAt) return false;
    // Pushes are complete only from the moment since which the stream has been heard.
    if (this.stream.hearing && entry.verified >= this.stream.heardSinceElapsed) return true;
    return this.clock.elapsed() - entry.verified < DEAF_AGE_MS;
  }

  private refetch(organizationId: string): Promise<boolean> {
    const failedAt = this.failedAt.get(organizationId) ?? -Infinity;
    if (this.clock.elapsed() - failedAt < PAUSE_AFTER_FAILURE_MS) return Promise.resolve(false);
    return this.flights.run(organizationId, async () => {
      const { past } = this;
      const change = this.changesOf(organizationId);
      const verified = this.clock.elapsed();
      try {
        const snapshot = await this.load(organizationId);
        if (past !== this.past) return true;
        // Core Auth has told the time by now: a host that was behind has not verified anything in the past
        const verifiedAt = this.clock.now();
        const before = this.entries.get(organizationId)?.snapshot;
        // A lower version is never accepted: the answer was overtaken on its way.
        if (before && snapshot && snapshot.version < before.version)
          throw new Error('A license version went back');
        const transitionAt = snapshot ? this.nextTransition(snapshot, new Date(verifiedAt)) : Infinity;
        const outdated = this.changesOf(organizationId) !== change;
        this.entries.set(organizationId, { snapshot, verifiedAt, verified, transitionAt, outdated });
        this.failedAt.delete(organizationId);
        return true;
      } catch (error) {
        this.failedAt.set(organizationId, this.clock.elapsed());
        this.log.warn(`No license snapshot: ${error instanceof Error ? error.message : 'unknown reason'}`);
        return false;
      }
    });
  }

  /** The earliest instant, in milliseconds, at which any answer about this module changes by the clock. */
  private nextTransition(snapshot: LicenseSnapshot, at: Date): number {
    const module = this.options.moduleKey;
    const features = snapshot.modules.find(({ key }) => key === module)?.features ?? [];
    const whole: DecisionQuestion = { userId: null, module, environment: this.options.environment };
    const questions = [whole, ...features.map(({ key }): DecisionQuestion => ({ ...whole, feature: key }))];
    const instants = questions.map((question) => decide(snapshot, question, at).nextTransitionAt?.getTime());
    return Math.min(...instants.map((instant) => instant ?? Infinity));
  }

  private async load(organizationId: string): Promise<LicenseSnapshot | undefined> {
    try {
      const snapshot = parseLicenseSnapshot(await this.client.snapshot(organizationId));
      if (snapshot.organization.id !== organizationId)
        throw new Error('The snapshot is of another organization');
      return snapshot;
    } catch (error) {
      if (error instanceof CoreAuthRefusal && error.status === 404) return undefined;
      throw error;
    }
  }
}
