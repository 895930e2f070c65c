import { randomBytes } from 'node:crypto';
import {
  AccountDeletionRepository,
  AccountRemovalRepository,
  AccountRepository,
  BrowserSealer,
  ExportRepository,
  InvitationAcceptanceRepository,
  InvitationRepository,
  MailCountRepository,
  MembershipRepository,
  OrganizationDeletionRepository,
  OrganizationRemovalRepository,
  OrganizationRepository,
  PersonExportRepository,
  RoleRepository,
  type Role,
} from '#accounts';
import { CatalogRepository } from '#licensing';
import type { Actor } from '#observability';
import {
  Configuration,
  KeyedDigest,
  KeyEncryption,
  MailSealer,
  openDatabase,
  sql,
  type Clock,
  type Database,
  type Mail,
} from '#platform';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { TestClock } from '../support/test-clock.js';

/** One node's way to the database: a pool of its own and the repositories on it. */
export interface Node {
  readonly database: Database;
  readonly accounts: AccountRepository;
  readonly organizations: OrganizationRepository;
  readonly memberships: MembershipRepository;
  readonly roles: RoleRepository;
  readonly invitations: InvitationRepository;
  readonly acceptance: InvitationAcceptanceRepository;
  readonly deletion: OrganizationDeletionRepository;
  readonly removal: OrganizationRemovalRepository;
  readonly accountDeletion: AccountDeletionRepository;
  readonly accountRemoval: AccountRemovalRepository;
  readonly exports: ExportRepository;
  readonly personExports: PersonExportRepository;
  readonly catalog: CatalogRepository;
}

/** A database of its own with people and organizations, reached by two nodes. */
export class OrganizationWorld {
  readonly nodes: Node[] = [];
  readonly clock = new TestClock();

  private constructor(
    private readonly testDatabase: TestDatabase,
    private readonly sealer: MailSealer,
    readonly browsers: BrowserSealer,
  ) {}

  static async create(settings: Readonly<Record<string, string>> = {}): Promise<OrganizationWorld> {
    const testDatabase = await createDatabase();
    const configuration = Configuration.load({
      NODE_ENV: 'test',
      DATABASE_URL: testDatabase.url,
      CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
      ...settings,
    });
    const encryption = new KeyEncryption(configuration.keyEncryptionKeys);
    const [sealer, browsers] = [new MailSealer(encryption), new BrowserSealer(encryption)];
    const world = new OrganizationWorld(testDatabase, sealer, browsers);
    for (let index = 0; index < 2; index += 1) {
      const database = await openDatabase(configuration);
      world.nodes.push(nodeOn(database, world.clock, { sealer, browsers }, configuration));
    }
    return world;
  }

  get node(): Node {
    return this.nodeFor(0);
  }

  nodeFor(index: number): Node {
    const node = this.nodes[index % this.nodes.length];
    if (!node) throw new Error('the world has no node');
    return node;
  }

  async close(): Promise<void> {
    for (const { database } of this.nodes) await database.close();
    await this.testDatabase.drop();
  }

  async person(email = `${randomBytes(6).toString('hex')}@acme.example`): Promise<string> {
    const user = { email, name: `Person ${email}`, passwordHash: 'none' };
    return (await this.node.accounts.createUser(user, 'seed')).id;
  }

  /** An organization with people of these roles, in this order. */
  async organization(...roles: Role[]): Promise<{ id: string; people: string[] }> {
    const key = `o-${randomBytes(6).toString('hex')}`;
    const { id } = await this.node.accounts.createOrganization({ key, name: `Organization ${key}` }, 'seed');
    const people: string[] = [];
    for (const role of roles) {
      const userId = await this.person();
      await this.node.accounts.addMember({ userId, organizationId: id, role }, 'seed');
      people.push(userId);
    }
    return { id, people };
  }

  /** The role of each who belongs to it, by user id. */
  async rolesIn(organizationId: string): Promise<Record<string, string>> {
    const rows = await this.node.database.query<{ user_id: string; role: string }>(sql`
      SELECT user_id, role FROM memberships WHERE organization_id = ${organizationId}`);
    return Object.fromEntries(rows.map(({ user_id: userId, role }) => [userId, role]));
  }

  /** What was written about a change: its audit rows and outbox rows. */
  async traced(change: () => Promise<unknown>) {
    const marks = await this.marks();
    await change();
    const { database } = this.node;
    return {
      audit: await database.query<{ act: string; actor: string; target: string }>(sql`
        SELECT act, actor, target FROM audit_events WHERE id > ${marks.audit} ORDER BY act, target`),
      outbox: await database.query<{ kind: string; subject: string }>(sql`
        SELECT kind, subject FROM outbox WHERE id > ${marks.outbox} ORDER BY kind, subject`),
    };
  }

  /** Every letter that is queued, opened. */
  async letters(): Promise<Mail[]> {
    const rows = await this.node.database.query<{ id: string; envelope: string }>(sql`
      SELECT id, mail_envelope AS envelope FROM mails ORDER BY created_at, id`);
    return rows.map((row) => this.sealer.open(row));
  }

  /** The secret of the latest invitation to this address. */
  async secretFor(email: string): Promise<string> {
    const letter = (await this.letters()).findLast(({ to }) => to === email);
    return secretIn(letter);
  }

  private async marks(): Promise<{ audit: string; outbox: string }> {
    const [row] = await this.node.database.query<{ audit: string; outbox: string }>(sql`
      SELECT (SELECT coalesce(max(id), 0) FROM audit_events) AS audit,
             (SELECT coalesce(max(id), 0) FROM outbox) AS outbox`);
    if (!row) throw new Error('PostgreSQL answered nothing');
    return row;
  }
}

/** The secret in the link of an invitation. */
export function secretIn(letter: Mail | undefined): string {
  for (const paragraph of letter?.paragraphs ?? []) {
    if (typeof paragraph === 'string') continue;
    const secret = new URL(paragraph.url).searchParams.get('token');
    if (secret !== null) return secret;
  }
  throw new Error('no letter with a token');
}

/** A person as the actor of an act. */
export function by(userId: string): Actor {
  return { id: userId, address: '192.0.2.1', factor: 'pwd' };
}

function nodeOn(
  database: Database,
  clock: Clock,
  { sealer, browsers }: { readonly sealer: MailSealer; readonly browsers: BrowserSealer },
  configuration: Configuration,
): Node {
  const organizations = new OrganizationRepository(database, configuration);
  const memberships = new MembershipRepository(database);
  const roles = new RoleRepository(database, clock);
  const counts = new MailCountRepository(clock, new KeyedDigest(configuration.keyEncryptionKeys));
  const invitations = new InvitationRepository(database, clock, sealer, configuration, counts);
  return {
    database,
    accounts: new AccountRepository(database),
    organizations,
    memberships,
    roles,
    invitations,
    acceptance: new InvitationAcceptanceRepository(database, clock),
    deletion: new OrganizationDeletionRepository(database, clock, sealer, configuration),
    removal: new OrganizationRemovalRepository(database, clock),
    accountDeletion: new AccountDeletionRepository(database, clock, sealer, configuration),
    accountRemoval: new AccountRemovalRepository(database, clock),
    exports: new ExportRepository(database, organizations, memberships, invitations, roles),
    personExports: new PersonExportRepository(database, browsers),
    catalog: new CatalogRepository(database),
  };
}
