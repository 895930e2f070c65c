import { randomUUID } from 'node:crypto';
import {
  LicenseRepository,
  UsageReportRepository,
  UsageRepository,
  type NewFeature,
  type NewLicense,
  type UsageRecord,
} from '#licensing';
import { sql } from '#platform';
import { eventually } from '../support/answers.js';
import { TestClock } from '../support/test-clock.js';
import { LicensingWorld } from './licensing-world.js';

export const NOON = new Date('2026-03-10T12:00:00.000Z');

/** A licensing world whose nodes count use; its clock stands at `NOON` until it is moved. */
export class UsageWorld {
  readonly clock = new TestClock(NOON);
  readonly nodes: readonly UsageRepository[];
  readonly reports: UsageReportRepository;

  private constructor(readonly world: LicensingWorld) {
    this.nodes = world.nodes.map(
      ({ database }) => new UsageRepository(database, new LicenseRepository(database), this.clock),
    );
    const { database, licenses } = world.node;
    this.reports = new UsageReportRepository(database, licenses, this.clock);
  }

  static async create(options: { nodes?: number } = {}): Promise<UsageWorld> {
    return new UsageWorld(await LicensingWorld.create(options));
  }

  close(): Promise<void> {
    return this.world.close();
  }

  /** The nodes in turn. */
  node(index = 0): UsageRepository {
    const node = this.nodes[index % this.nodes.length];
    if (!node) throw new Error('the world has no node');
    return node;
  }

  /** A metered feature of its own for a test. @returns its key */
  async feature(options: Partial<NewFeature> = {}): Promise<string> {
    const key = `used-${randomUUID().slice(0, 8)}`;
    await this.world.node.catalog.createFeature(
      { moduleKey: 'reports', key, type: 'metered', combine: 'sum', ...options },
      'seed',
    );
    return key;
  }

  /** A license with this limit of the feature. @returns its id */
  async license(feature: string, limit: number | null, changes: Partial<NewLicense> = {}): Promise<string> {
    const { id } = await this.world.node.catalog.createPlanVersion(
      {
        planKey: `plan-${randomUUID()}`,
        name: 'A plan',
        moduleKey: 'reports',
        features: { [feature]: limit },
      },
      'seed',
    );
    return this.world.license({ planVersionId: id, ...changes });
  }

  use(feature: string, amount: number, changes: Partial<UsageRecord> = {}, node = 0) {
    return this.node(node).record({
      organizationId: this.world.organizationId,
      module: 'reports',
      feature,
      amount,
      idempotencyKey: randomUUID(),
      userId: null,
      clientId: 'reports',
      ...changes,
    });
  }

  /** By license: what its counters say, the earliest period first. */
  async counted(feature: string): Promise<Record<string, number[]>> {
    const rows = await this.world.node.database.query<{ license_id: string; used: string }>(sql`
      SELECT license_id, used FROM usage_counters WHERE feature_key = ${feature} ORDER BY period_starts_at`);
    const counted: Record<string, number[]> = {};
    for (const { license_id, used } of rows) (counted[license_id] ??= []).push(Number(used));
    return counted;
  }

  /** What the records of uses say together. */
  async recorded(feature: string): Promise<{ uses: number; amount: number }> {
    const [row] = await this.world.node.database.query<{ uses: string; amount: string }>(sql`
      SELECT count(*) AS uses, COALESCE(sum(amount), 0) AS amount FROM usage_events WHERE feature_key = ${feature}`);
    return { uses: Number(row?.uses), amount: Number(row?.amount) };
  }

  /** How many sessions of this database wait for a row lock. */
  async lockedOut(): Promise<number> {
    const [row] = await this.world.node.database.query<{ count: string }>(sql`
      SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
    return Number(row?.count);
  }

  async until(condition: () => Promise<boolean>): Promise<void> {
    await eventually(async () => (await condition()) || undefined, 'what is waited for');
  }
}
