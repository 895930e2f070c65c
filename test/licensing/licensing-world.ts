import { randomBytes, randomUUID } from 'node:crypto';
import { AccountRepository } from '#accounts';
import {
  CatalogRepository,
  LicenseRepository,
  SeatLeaseRepository,
  SeatRepository,
  SeatReservationRepository,
  type NewLicense,
  type PlanVersion,
} from '#licensing';
import { Configuration, Database, openDatabase, sql } from '#platform';
import { createDatabase, type TestDatabase } from '../support/database.js';
import type { StatementLog } from '../support/statement-log.js';

/** One node's way to the database: a pool of its own and the repositories on it. */
export interface Node {
  readonly database: Database;
  readonly accounts: AccountRepository;
  readonly catalog: CatalogRepository;
  readonly licenses: LicenseRepository;
  readonly seats: SeatRepository;
  readonly reservations: SeatReservationRepository;
  readonly leases: SeatLeaseRepository;
}

export interface Traces {
  readonly version: number;
  readonly audit: { readonly act: string; readonly actor: string; readonly target: string }[];
  readonly outbox: { readonly kind: string; readonly subject: string }[];
}

/** A database of its own with the module `reports`, a plan for it and the organization `acme`. */
export class LicensingWorld {
  readonly organizationId = randomUUID();
  readonly nodes: Node[] = [];
  plan!: PlanVersion;

  private constructor(private readonly testDatabase: TestDatabase) {}

  static async create({ nodes = 1, logStatements = false } = {}): Promise<LicensingWorld> {
    const world = new LicensingWorld(await createDatabase({ logStatements }));
    for (let index = 0; index < nodes; index += 1) world.nodes.push(await openNode(world.testDatabase.url));
    const { accounts, catalog } = world.node;
    await accounts.createOrganization({ id: world.organizationId, key: 'acme', name: 'Acme' }, 'seed');
    await catalog.createModule(
      { key: 'reports', name: 'Reports', baseUrl: 'http://localhost:3002/' },
      'seed',
    );
    await catalog.createFeature(
      { moduleKey: 'reports', key: 'export', type: 'boolean', combine: 'max' },
      'seed',
    );
    await catalog.createFeature(
      { moduleKey: 'reports', key: 'charts', type: 'limit', combine: 'sum' },
      'seed',
    );
    world.plan = await catalog.createPlanVersion(
      { planKey: 'reports-team', name: 'Team', moduleKey: 'reports', features: { export: true, charts: 5 } },
      'seed',
    );
    return world;
  }

  get databaseUrl(): string {
    return this.testDatabase.url;
  }

  /** Only where `logStatements` was asked for. */
  get statements(): StatementLog {
    return this.testDatabase.statements;
  }

  get node(): Node {
    const [first] = this.nodes;
    if (!first) throw new Error('the world has no node');
    return first;
  }

  async close(): Promise<void> {
    for (const { database } of this.nodes) await database.close();
    await this.testDatabase.drop();
  }

  terms(changes: Partial<NewLicense> = {}): NewLicense {
    return {
      organizationId: this.organizationId,
      moduleKey: 'reports',
      planVersionId: this.plan.id,
      startsAt: new Date('2026-01-01T00:00:00.000Z'),
      endsAt: new Date('2030-01-01T00:00:00.000Z'),
      graceDays: 14,
      seatModel: 'unlimited',
      seatLimit: null,
      trial: false,
      ...changes,
    };
  }

  /** A license that was issued; of an end that has passed, back when it had not. */
  async license(changes: Partial<NewLicense> = {}): Promise<string> {
    const terms = this.terms(changes);
    const over = terms.endsAt !== null && terms.endsAt <= new Date() ? terms.endsAt : undefined;
    const { licenseId } = await this.node.licenses.issue(over ? { ...terms, endsAt: null } : terms, 'seed');
    if (over) await this.end(licenseId, over);
    return licenseId;
  }

  /** People of `acme`. */
  async members(count: number): Promise<string[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const email = `${randomBytes(6).toString('hex')}@acme.example`;
        const { id } = await this.node.accounts.createUser(
          { email, name: 'A person', passwordHash: 'none' },
          'seed',
        );
        const { organizationId } = this;
        await this.node.accounts.addMember({ userId: id, organizationId, role: 'member' }, 'seed');
        return id;
      }),
    );
  }

  /** An invitation of `acme`. */
  invitation(invitationId: string): { organizationId: string; invitationId: string } {
    return { organizationId: this.organizationId, invitationId };
  }

  /** Seats in use. */
  async seated(licenseId: string): Promise<number> {
    const [row] = await this.node.database.query<{ count: string }>(sql`
      SELECT count(*) FROM seat_assignments WHERE license_id = ${licenseId} AND released_at IS NULL`);
    return Number(row?.count);
  }

  /** Makes a license end at an instant of the past, which nobody can ask for. */
  async end(licenseId: string, endsAt: Date): Promise<void> {
    await this.node.database.query(sql`UPDATE licenses SET ends_at = ${endsAt} WHERE id = ${licenseId}`);
  }

  /** Holds seven seats of a license until an instant: a reservation, a lease of each of two people, a block of four. */
  async hold(licenseId: string, people: readonly string[], until: Date): Promise<void> {
    const { database } = this.node;
    const since = new Date(until.getTime() - 10 * 86_400_000);
    await database.query(sql`
      INSERT INTO seat_reservations (license_id, invitation_id, expires_at, created_at)
      VALUES (${licenseId}, ${randomUUID()}, ${until}, ${since})`);
    await database.query(sql`
      INSERT INTO seat_leases (license_id, user_id, device, fence, leased_at, expires_at)
      SELECT ${licenseId}, unnest(${people.slice(0, 2)}::uuid[]), 'desk', 1, ${since}, ${until}`);
    await database.query(sql`
      INSERT INTO offline_grants (id, license_id, instance, seat_block, sequence, issued_at, expires_at)
      VALUES (${randomUUID()}, ${licenseId}, 'ship', 4, 1, ${since}, ${until})`);
  }

  /** What a change left behind: by how much the version rose, and the rows it wrote. */
  async traced(change: () => Promise<unknown>): Promise<Traces> {
    const before = await this.marks();
    await change();
    const after = await this.marks();
    const { database } = this.node;
    const silent = await database.query(sql`
      SELECT kind, facts FROM outbox
       WHERE id > ${before.outbox} AND kind ~ '^(license|seat|usage)-' AND NOT coalesce(facts ->> 'act', '') ^@ 'organization.'
         AND NOT coalesce(facts ->> 'module' = 'reports'
                          AND ((facts ? 'license_id') OR kind NOT IN ('license-changed', 'seat-assigned', 'seat-released'))
                          AND ((facts ? 'act') = (kind = 'license-changed')), false)`);
    if (silent.length > 0) throw new Error(`it does not say of what: ${JSON.stringify(silent)}`);
    return {
      version: after.version - before.version,
      audit: await database.query(sql`
        SELECT act, actor, target FROM audit_events WHERE id > ${before.audit} ORDER BY id`),
      outbox: await database.query(sql`
        SELECT kind, subject FROM outbox WHERE id > ${before.outbox} ORDER BY id`),
    };
  }

  private async marks(): Promise<{ version: number; audit: string; outbox: string }> {
    const [row] = await this.node.database.query<{ version: string; audit: string; outbox: string }>(sql`
      SELECT license_version AS version,
             (SELECT COALESCE(max(id), 0) FROM audit_events) AS audit,
             (SELECT COALESCE(max(id), 0) FROM outbox) AS outbox
        FROM organizations WHERE id = ${this.organizationId}`);
    if (!row) throw new Error('the organization is gone');
    return { ...row, version: Number(row.version) };
  }
}

async function openNode(url: string): Promise<Node> {
  const database = await openDatabase(
    Configuration.load({
      NODE_ENV: 'test',
      DATABASE_URL: url,
      CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    }),
  );
  return {
    database,
    accounts: new AccountRepository(database),
    catalog: new CatalogRepository(database),
    licenses: new LicenseRepository(database),
    seats: new SeatRepository(database),
    reservations: new SeatReservationRepository(database),
    leases: new SeatLeaseRepository(database),
  };
}
