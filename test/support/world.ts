import { randomBytes } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccountRepository, PasswordHasher, type Role } from '#accounts';
import { CatalogRepository, LicenseRepository, SeatRepository, type NewLicense } from '#licensing';
import { ClientRepository, codeChallengeOf, type NewClient } from '#oauth';
import { EventStream } from '#events';
import { Configuration, Database, randomSecret, randomUUID, sha256, sql } from '#platform';
import { createServer } from '../../apps/server/server.js';
import { createDatabase, type TestDatabase } from './database.js';
import { HttpBrowser } from './http-browser.js';
import { freePort } from './ports.js';
import { TestClock } from './test-clock.js';

export const PASSWORD = 'correct horse battery staple';
const ACTOR = 'test';

export interface TestClient {
  readonly id: string;
  readonly secret: string | undefined;
  readonly redirectUri: string;
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
  readonly expires_in: number;
  readonly scope: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export interface WorldOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly logStatements?: boolean;
  /** A second node of the same deployment: its database and keys. */
  readonly beside?: World;
}

/**
 * A running server on a database of its own, with two organizations, people, two modules (`projects`, `reports`) and
 * their clients; acme has licensed both, globex only projects.
 */
export class World {
  readonly ids: Record<string, string> = {};

  private constructor(
    readonly app: NestFastifyApplication,
    readonly url: string,
    readonly database: TestDatabase,
    readonly clock: TestClock,
    readonly env: Readonly<Record<string, string>>,
    private readonly ownsDatabase: boolean,
  ) {}

  static async start({ env = {}, logStatements = false, beside }: WorldOptions = {}): Promise<World> {
    const database = beside?.database ?? (await createDatabase({ logStatements }));
    const port = env['PORT'] === undefined ? await freePort() : Number(env['PORT']);
    const url = `http://localhost:${port}`;
    const settings = {
      NODE_ENV: 'test',
      PORT: String(port),
      CORE_AUTH_URL: beside?.env['CORE_AUTH_URL'] ?? url,
      DATABASE_URL: database.url,
      CORE_AUTH_KEY_ENCRYPTION_KEYS:
        beside?.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? `test:${randomBytes(32).toString('base64url')}`,
      LOG_LEVEL: 'silent',
      CORE_AUTH_RATE_LIMIT_SIGN_IN: '100000',
      CORE_AUTH_RATE_LIMIT_MAIL: '100000',
      CORE_AUTH_RATE_LIMIT_EXPORT: '100000',
      CORE_AUTH_RATE_LIMIT_DEVICE: '100000',
      CORE_AUTH_RATE_LIMIT_TOKEN: '1000000',
      CORE_AUTH_RATE_LIMIT_DOCUMENTS: '100000',
      CORE_AUTH_OUTBOUND_NETWORKS: '127.0.0.0/8,::1/128',
      ...env,
    };
    const configuration = Configuration.load(settings);
    const clock = beside?.clock ?? new TestClock();
    const app = await createServer(configuration, clock);
    await app.listen(configuration.port, configuration.host);
    const world = new World(app, url, database, clock, settings, beside === undefined);
    if (beside) Object.assign(world.ids, beside.ids);
    else await world.populate();
    return world;
  }

  async stop(): Promise<void> {
    await this.app.close();
    if (this.ownsDatabase) await this.database.drop();
  }

  id(name: string): string {
    const id = this.ids[name];
    if (id === undefined) throw new Error(`the world has no "${name}"`);
    return id;
  }

  get accounts(): AccountRepository {
    return this.app.get(AccountRepository);
  }

  get licenses(): LicenseRepository {
    return this.app.get(LicenseRepository);
  }

  get clients(): ClientRepository {
    return this.app.get(ClientRepository);
  }

  browser(): HttpBrowser {
    return new HttpBrowser(this.url);
  }

  async createOrganization(key: string, name: string): Promise<string> {
    return (this.ids[key] = (await this.accounts.createOrganization({ key, name }, ACTOR)).id);
  }

  async createPerson(
    email: string,
    name: string,
    memberships: Readonly<Record<string, Role>>,
  ): Promise<string> {
    const passwordHash = await this.app.get(PasswordHasher).hash(PASSWORD);
    const { id } = await this.accounts.createUser({ email, name, passwordHash }, ACTOR);
    for (const [organization, role] of Object.entries(memberships)) {
      await this.accounts.addMember({ userId: id, organizationId: this.id(organization), role }, ACTOR);
    }
    return (this.ids[email] = id);
  }

  /** Waits until this node has heard of everything that was committed before, however long others hold it back. */
  async heard(): Promise<void> {
    const marker = randomUUID();
    const told = new Promise<void>((resolve) => {
      const end = this.app.get(EventStream).subscribe(({ subject }) => {
        if (subject !== marker) return;
        end();
        resolve();
      });
    });
    await this.app
      .get(Database)
      .query(sql`INSERT INTO outbox (kind, subject) VALUES ('client-changed', ${marker})`);
    await told;
  }

  /** A license that was issued; an end that is near or has passed was given to it afterwards. */
  async license(organization: string, module: string, options: Partial<NewLicense> = {}): Promise<string> {
    const { endsAt = null } = options;
    // the clock of the tests may stand where the database's has passed by
    const near = endsAt !== null && endsAt.getTime() <= Date.now() + 60_000;
    const { licenseId } = await this.licenses.issue(
      {
        organizationId: this.id(organization),
        moduleKey: module,
        planVersionId: this.id(`plan:${module}`),
        // in effect by either clock: seats are given by the database's
        startsAt: new Date(Math.min(this.clock.now().getTime(), Date.now()) - 60_000),
        graceDays: 0,
        seatModel: 'unlimited',
        seatLimit: null,
        trial: false,
        ...options,
        endsAt: near ? null : endsAt,
      },
      ACTOR,
    );
    if (near) {
      await this.app
        .get(Database)
        .query(sql`UPDATE licenses SET ends_at = ${endsAt} WHERE id = ${licenseId}`);
    }
    return (this.ids[`license:${organization}:${module}`] = licenseId);
  }

  async assignSeat(licenseId: string, email: string): Promise<void> {
    await this.app.get(SeatRepository).assignSeat(licenseId, this.id(email), ACTOR);
  }

  /** Registers a client; confidential unless `secretSha256: null`. */
  async createClient(client: Partial<NewClient> & { id: string }): Promise<TestClient> {
    const secret = client.secretSha256 === null ? undefined : randomSecret();
    const redirectUri = client.redirectUris?.[0] ?? `https://${client.id}.example/callback`;
    await this.clients.save(
      {
        name: client.id,
        grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
        scopes: ['openid', 'profile', 'email', 'offline_access', 'projects:read', 'projects:write'],
        firstParty: true,
        redirectUris: [redirectUri],
        postLogoutRedirectUris: [`https://${client.id}.example/signed-out`],
        ...(secret === undefined ? {} : { secretSha256: sha256(secret) }),
        ...client,
      },
      ACTOR,
    );
    return { id: client.id, secret, redirectUri };
  }

  /** A browser in which this person has signed in. */
  async signIn(email: string, browser: HttpBrowser = this.browser()): Promise<HttpBrowser> {
    const response = await browser.submit('/sign-in', '/sign-in', { email, password: PASSWORD });
    if (response.status !== 303)
      throw new Error(`sign-in answered ${response.status}: ${await response.text()}`);
    return browser;
  }

  /** The parameters of a good authorization request, and its verifier. */
  authorizationRequest(client: TestClient, extra: Readonly<Record<string, string>> = {}) {
    const verifier = randomSecret();
    const parameters: Record<string, string> = {
      response_type: 'code',
      client_id: client.id,
      redirect_uri: client.redirectUri,
      scope: 'openid profile email projects:read',
      state: randomSecret(8),
      nonce: randomSecret(8),
      code_challenge: codeChallengeOf(verifier),
      code_challenge_method: 'S256',
      ...extra,
    };
    return { verifier, parameters, path: `/oauth2/authorize?${new URLSearchParams(parameters)}` };
  }

  /** A code for this person, who is signed in by `browser`. */
  async code(
    client: TestClient,
    browser: HttpBrowser,
    extra: Readonly<Record<string, string>> = {},
  ): Promise<{ code: string; verifier: string; nonce: string | undefined }> {
    const { verifier, parameters, path } = this.authorizationRequest(client, extra);
    const response = await browser.get(path);
    const location = response.headers.get('location') ?? '';
    const code = URL.canParse(location) ? new URL(location).searchParams.get('code') : null;
    if (code === null) throw new Error(`no code: ${response.status} ${location} ${await response.text()}`);
    return { code, verifier, nonce: parameters['nonce'] };
  }

  async exchange(
    client: TestClient,
    { code, verifier }: { code: string; verifier: string },
  ): Promise<Answer> {
    return this.token(client, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: client.redirectUri,
    });
  }

  refresh(
    client: TestClient,
    refreshToken: string,
    extra: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return this.token(client, { grant_type: 'refresh_token', refresh_token: refreshToken, ...extra });
  }

  token(client: TestClient, fields: Readonly<Record<string, string>>): Promise<Answer> {
    return this.call('/oauth2/token', client, fields);
  }

  introspect(client: TestClient, token: string): Promise<Answer> {
    return this.call('/oauth2/introspect', client, { token });
  }

  revoke(client: TestClient, token: string): Promise<Answer> {
    return this.call('/oauth2/revoke', client, { token });
  }

  /** A POST by an authenticated client. */
  async call(path: string, client: TestClient, fields: Readonly<Record<string, string>>): Promise<Answer> {
    const body = new URLSearchParams(fields);
    const headers: Record<string, string> = {};
    if (client.secret === undefined) body.set('client_id', client.id);
    else headers['authorization'] = basic(client);
    return answerOf(await fetch(new URL(path, this.url), { method: 'POST', body, headers }));
  }

  /** Everything at once: a person who signed in to a client, and the tokens that it got. */
  async signedInClient(
    email = 'member@acme.example',
    clientId = 'projects',
  ): Promise<{ client: TestClient; browser: HttpBrowser; tokens: Tokens }> {
    const client = this.client(clientId);
    const browser = await this.signIn(email);
    const answer = await this.exchange(client, await this.code(client, browser));
    if (answer.status !== 200) throw new Error(`exchange answered ${JSON.stringify(answer.body)}`);
    return { client, browser, tokens: answer.body as unknown as Tokens };
  }

  /** One of the clients that the world has from the start. */
  client(id: string): TestClient {
    return { id, secret: this.id(`secret:${id}`), redirectUri: `https://${id}.example/callback` };
  }

  private async populate(): Promise<void> {
    const catalog = this.app.get(CatalogRepository);
    for (const [key, name] of [
      ['projects', 'Projects'],
      ['reports', 'Reports'],
    ] as const) {
      await catalog.createModule({ key, name, baseUrl: `https://${key}.example` }, ACTOR);
      await catalog.createFeature({ moduleKey: key, key: 'export', type: 'boolean', combine: 'max' }, ACTOR);
      const plan = await catalog.createPlanVersion(
        { planKey: key, name, moduleKey: key, features: { export: true } },
        ACTOR,
      );
      this.ids[`plan:${key}`] = plan.id;
    }
    await this.createOrganization('acme', 'Acme Corporation');
    await this.createOrganization('globex', 'Globex');
    await this.createPerson('owner@acme.example', 'Olivia Owner', { acme: 'owner' });
    await this.createPerson('member@acme.example', 'Max Member', { acme: 'member' });
    await this.createPerson('admin@globex.example', 'Ada Admin', { globex: 'administrator' });
    await this.createPerson('consultant@partners.example', 'Cora Consultant', {
      acme: 'member',
      globex: 'member',
    });
    await this.license('acme', 'projects');
    await this.license('acme', 'reports');
    await this.license('globex', 'projects');
    for (const key of ['projects', 'reports']) {
      const client = await this.createClient({
        id: key,
        moduleKey: key,
        scopes: [
          ...['openid', 'profile', 'email', 'offline_access'],
          ...(key === 'projects' ? ['projects:read', 'projects:write'] : ['reports:read', 'projects:read']),
        ],
      });
      this.ids[`secret:${key}`] = client.secret ?? '';
    }
  }
}

export function basic({ id, secret }: TestClient): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret ?? '')}`).toString('base64')}`;
}

/** The payload of a JWT, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<
    string,
    unknown
  >;
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}
