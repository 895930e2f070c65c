import { isDeepStrictEqual } from 'node:util';
import { AccountRepository, AdministratorRepository, PasswordHasher } from '#accounts';
import { CatalogRepository, LicenseRepository, SeatRepository } from '#licensing';
import { ClientRepository, type NewClient } from '#oauth';
import { Database, OutboundHttp, sha256, type Transaction } from '#platform';
import {
  accounts,
  billing,
  commandLine,
  licenses,
  modules,
  organizations,
  plans,
} from './demonstration-data.js';
import { DemonstrationRepository } from './demonstration.repository.js';
import type { ModuleKey } from './launcher-settings.js';

export interface DemonstrationModule {
  /** Public base URL without a trailing slash. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface DemonstrationSettings {
  readonly modules: Readonly<Record<ModuleKey, DemonstrationModule>>;
  /** Of the client that administers licenses. */
  readonly billingClientSecret: string;
  /** Whom the server that is demonstrated may call. */
  readonly outbound: OutboundHttp;
  /** Of every account, when the demonstration is made now. */
  readonly password: string;
}

/** `created` now, `present` from an earlier start, or `absent` because the database holds something else. */
export type DemonstrationState = 'created' | 'present' | 'absent';

const ACTOR = 'seed';
const MAKERS_OF_ROLES = ['owner', 'administrator'] as const;

/** Repositories of one transaction: whatever they do is committed together, or not at all. */
class OneTransaction extends Database {
  constructor(
    database: Database,
    private readonly running: Transaction,
  ) {
    super(database.dataSource);
  }

  override query: Transaction['query'] = (statement) => this.running.query(statement);

  override transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return work(this.running);
  }
}

/**
 * Fills an empty database with the demonstration, whole or not at all; where it is already, brings addresses, client
 * ids and secrets up to date, so that a later start on other ports works. Never touches a database that holds
 * something else.
 */
export async function ensureDemonstration(
  database: Database,
  settings: DemonstrationSettings,
): Promise<DemonstrationState> {
  // before the transaction: hashing takes longer than locks should be held
  const passwordHashes = await hashForEach(settings.password);
  return await database.transaction(async (running) => {
    const one = new OneTransaction(database, running);
    const demonstration = new DemonstrationRepository(running);
    await demonstration.takeTurn();
    if (await demonstration.isEmpty()) {
      await create(one, settings, passwordHashes);
      return 'created';
    }
    if (!(await demonstration.hasAccounts(accounts.map(({ email }) => email)))) return 'absent';
    await bringUpToDate(one, demonstration, settings);
    return 'present';
  });
}

/** A hash of its own for each account: equal passwords must not be recognizable by equal hashes. */
async function hashForEach(password: string): Promise<Map<string, string>> {
  const hasher = new PasswordHasher();
  const hashes = accounts.map(async ({ email }) => [email, await hasher.hash(password)] as const);
  return new Map(await Promise.all(hashes));
}

async function create(
  database: Database,
  settings: DemonstrationSettings,
  passwordHashes: ReadonlyMap<string, string>,
): Promise<void> {
  const organizationIds = await createOrganizations(database);
  const userIds = await createAccounts(database, organizationIds, passwordHashes);
  await createCatalog(database, settings);
  await createLicenses(database, organizationIds, userIds);
  await saveClients(database, settings);
}

async function createOrganizations(database: Database): Promise<Map<string, string>> {
  const repository = new AccountRepository(database);
  const ids = new Map<string, string>();
  for (const { key, name } of organizations) {
    ids.set(key, (await repository.createOrganization({ key, name }, ACTOR)).id);
  }
  return ids;
}

async function createAccounts(
  database: Database,
  organizationIds: ReadonlyMap<string, string>,
  passwordHashes: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const repository = new AccountRepository(database);
  const administrators = new AdministratorRepository(database);
  const ids = new Map<string, string>();
  for (const { email, name, roles, operator = false } of accounts) {
    const passwordHash = known(passwordHashes, email);
    const { id } = await repository.createUser({ email, name, passwordHash, emailVerified: true }, ACTOR);
    ids.set(email, id);
    for (const [organization, role] of Object.entries(roles)) {
      const organizationId = known(organizationIds, organization);
      await repository.addMember({ userId: id, organizationId, role }, ACTOR);
    }
    if (operator) await administrators.setOperator(id, true, ACTOR);
  }
  return ids;
}

async function createCatalog(database: Database, settings: DemonstrationSettings): Promise<void> {
  const catalog = new CatalogRepository(database);
  for (const { key, name, features, permissions = [] } of modules) {
    await catalog.createModule({ key, name, baseUrl: settings.modules[key].url }, ACTOR);
    for (const feature of features) {
      await catalog.createFeature({ moduleKey: key, combine: 'max', ...feature }, ACTOR);
    }
    for (const role of permissions.length > 0 ? MAKERS_OF_ROLES : []) {
      await catalog.setPermissions({ moduleKey: key, role, permissions }, ACTOR);
    }
  }
}

async function createLicenses(
  database: Database,
  organizationIds: ReadonlyMap<string, string>,
  userIds: ReadonlyMap<string, string>,
): Promise<void> {
  const catalog = new CatalogRepository(database);
  const licensing = new LicenseRepository(database);
  const seating = new SeatRepository(database);
  const versions = new Map<string, { id: string; moduleKey: string }>();
  for (const { key: planKey, name, module: moduleKey, features } of plans) {
    versions.set(planKey, await catalog.createPlanVersion({ planKey, name, moduleKey, features }, ACTOR));
  }
  for (const { organization, plan, seats } of licenses) {
    const { id: planVersionId, moduleKey } = known(versions, plan);
    const { licenseId } = await licensing.issue(
      {
        organizationId: known(organizationIds, organization),
        moduleKey,
        planVersionId,
        startsAt: new Date(),
        endsAt: null,
        graceDays: 0,
        seatModel: seats ? (seats.emails ? 'named' : 'floating') : 'unlimited',
        seatLimit: seats?.limit ?? null,
        trial: false,
      },
      ACTOR,
    );
    for (const email of seats?.emails ?? [])
      await seating.assignSeat(licenseId, known(userIds, email), ACTOR);
  }
}

async function saveClients(database: Database, settings: DemonstrationSettings): Promise<void> {
  const clients = new ClientRepository(database, settings.outbound);
  const wantedClients = [
    ...modules.map((module) => clientOf(settings.modules[module.key], module)),
    commandLine,
    { ...billing, secretSha256: sha256(settings.billingClientSecret) },
  ];
  for (const wanted of wantedClients) {
    const there = await clients.find(wanted.id);
    // a save tells every node and is audited: only when there is something to tell
    if (!there || !isDeepStrictEqual({ ...there, ...wanted }, there)) await clients.save(wanted, ACTOR);
  }
}

function clientOf(
  { url, clientId, clientSecret }: DemonstrationModule,
  module: (typeof modules)[number],
): NewClient {
  return {
    id: clientId,
    name: module.name,
    secretSha256: sha256(clientSecret),
    moduleKey: module.key,
    grantTypes: ['authorization_code', 'refresh_token', ...(module.grantTypes ?? [])],
    redirectUris: [`${url}/auth/callback`],
    postLogoutRedirectUris: [`${url}/auth/signed-out`],
    backchannelLogoutUri: `${url}/auth/back-channel-logout`,
    scopes: ['openid', 'profile', 'email', 'offline_access', ...module.scopes],
    firstParty: true,
  };
}

async function bringUpToDate(
  database: Database,
  demonstration: DemonstrationRepository,
  settings: DemonstrationSettings,
): Promise<void> {
  const moving: ModuleKey[] = [];
  for (const { key } of modules) {
    if (await demonstration.leaveAddress(key, settings.modules[key].url)) moving.push(key);
  }
  for (const key of moving) await demonstration.takeAddress(key, settings.modules[key].url, ACTOR);
  await saveClients(database, settings);
}

function known<Value>(values: ReadonlyMap<string, Value>, key: string): Value {
  const value = values.get(key);
  if (value === undefined) throw new Error(`the demonstration names "${key}", which it does not make`);
  return value;
}
