import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { Client } from 'pg';
import { BuiltProcess } from '../support/built-process.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { DEVICE_GRANT } from '../support/device.js';
import { freePorts } from '../support/ports.js';

export type ClientId = 'projects' | 'reports';

/** The compiled system as the launcher starts it, with its demonstration, on free ports and a database of its own. */
export class RunningSystem {
  private constructor(
    readonly server: string,
    readonly projects: string,
    readonly reports: string,
    readonly password: string,
    private readonly billingSecret: string,
    private readonly database: TestDatabase,
    private readonly launcher: BuiltProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<RunningSystem> {
    const [database, [server, projects, reports]] = await Promise.all([
      createDatabase({ empty: true }),
      freePorts(3),
    ]);
    const folder = mkdtempSync(join(tmpdir(), 'core-auth-browser-'));
    const password = randomBytes(12).toString('base64url');
    const billing = randomBytes(32).toString('base64url');
    const launcher = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['start'],
      env: {
        PORT: String(server),
        PROJECTS_PORT: String(projects),
        REPORTS_PORT: String(reports),
        DATA_DIR: folder,
        DATABASE_URL: database.url,
        CORE_AUTH_DEMO_PASSWORD: password,
        BILLING_OAUTH_CLIENT_SECRET: billing,
        // whole journeys from one address
        CORE_AUTH_RATE_LIMIT_SIGN_IN: '1000',
        CORE_AUTH_RATE_LIMIT_MAIL: '1000',
        CORE_AUTH_RATE_LIMIT_TOKEN: '10000',
      },
    });
    await launcher.says(/^ready/m);
    const at = (port: number | undefined) => `http://localhost:${port}`;
    const urls = [at(server), at(projects), at(reports)] as const;
    return new RunningSystem(...urls, password, billing, database, launcher, folder);
  }

  get hosts(): readonly string[] {
    return [this.server, this.projects, this.reports].map((url) => new URL(url).host);
  }

  /** How long access tokens of this client last from now on; every node hears of it. */
  async setAccessTokenSeconds(client: ClientId, seconds: number): Promise<void> {
    await this.sql(
      `WITH changed AS (UPDATE clients SET access_token_seconds = $2 WHERE id = $1 RETURNING id)
       INSERT INTO outbox (kind, subject) SELECT 'client-changed', id FROM changed`,
      [client, seconds],
    );
  }

  async addClient(id: string, name: string, redirectUri: string): Promise<void> {
    await this.sql(
      `INSERT INTO clients (id, name, token_endpoint_auth_method, grant_types, redirect_uris, scopes, first_party)
       VALUES ($1, $2, 'none', '{authorization_code}', ARRAY[$3], '{openid,profile,email,projects:read}', false)`,
      [id, name, redirectUri],
    );
  }

  /** A client without a browser (RFC 8628), which has begun: the code that it shows. */
  async beginDevice(id: string, name: string): Promise<string> {
    await this.sql(
      `INSERT INTO clients (id, name, token_endpoint_auth_method, grant_types, scopes, first_party, client_uri)
       VALUES ($1, $2, 'none', ARRAY[$3], '{openid,profile,email,projects:read}', false, 'https://television.example/')`,
      [id, name, DEVICE_GRANT],
    );
    const body = new URLSearchParams({ client_id: id });
    const answer = await fetch(`${this.server}/oauth2/device_authorization`, { method: 'POST', body });
    const { user_code: userCode } = (await answer.json()) as { user_code: string };
    return userCode;
  }

  /** The command line of the demonstration asks to be let in: the code that it shows, and what its token says then. */
  async beginCommandLine(): Promise<{ userCode: string; claims: () => Promise<Record<string, unknown>> }> {
    const post = async (path: string, fields: Readonly<Record<string, string>>) => {
      const body = new URLSearchParams({ client_id: 'projects-cli', ...fields });
      const answer = await fetch(`${this.server}/oauth2/${path}`, { method: 'POST', body });
      return (await answer.json()) as Record<string, string>;
    };
    const { user_code: userCode = '', device_code: code = '' } = await post('device_authorization', {
      scope: 'openid projects:read',
    });
    return {
      userCode,
      claims: async () => {
        const { access_token: token } = await post('token', { grant_type: DEVICE_GRANT, device_code: code });
        return decodeJwt(token ?? '');
      },
    };
  }

  /** The path of a link that ends a delay, as it is mailed to this person. */
  async unlockLink(email: string): Promise<string> {
    const secret = randomBytes(32).toString('base64url');
    await this.sql(
      `INSERT INTO one_time_tokens (id, secret_sha256, purpose, user_id, email, created_at, expires_at)
       SELECT gen_random_uuid(), sha256($2::bytea), 'unlock', id, email, now(), now() + interval '1 day'
         FROM users WHERE email = $1`,
      [email, Buffer.from(secret)],
    );
    return `/unlock?token=${secret}`;
  }

  /** The link that an invitation of acme to this address would carry. */
  async invite(email: string): Promise<string> {
    const secret = randomBytes(32).toString('base64url');
    await this.sql(
      `WITH invited AS (
         INSERT INTO invitations (id, organization_id, email, role, invited_by, created_at, expires_at, mails_sent)
         SELECT gen_random_uuid(), id, $1, 'member', 'test', now(), now() + interval '7 days', 1
           FROM organizations WHERE key = 'acme'
         RETURNING id, email, created_at, expires_at
       )
       INSERT INTO one_time_tokens (id, secret_sha256, purpose, email, created_at, expires_at)
       SELECT id, sha256(convert_to($2, 'UTF8')), 'invitation', email, created_at, expires_at FROM invited`,
      [email, secret],
    );
    return `${this.server}/invitation?token=${secret}`;
  }

  /** What this person has authorized for this client: how often each was refreshed, and whether it still stands. */
  async authorizations(email: string, client: ClientId): Promise<{ state: string; generation: number }[]> {
    return this.sql(
      `SELECT a.state, a.generation FROM authorizations a JOIN users u ON u.id = a.user_id
        WHERE u.email = $1 AND a.client_id = $2`,
      [email, client],
    );
  }

  /** An organization without people and licenses. */
  async addOrganization(key: string, name: string): Promise<void> {
    await this.sql('INSERT INTO organizations (id, key, name) VALUES (gen_random_uuid(), $1, $2)', [
      key,
      name,
    ]);
  }

  /** Somebody with the password of the demonstration. @param roles by the key of the organization */
  async addPerson(email: string, name: string, roles: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.sql(
      `INSERT INTO users (id, email, name, password_hash, password_short, email_verified_at)
       SELECT gen_random_uuid(), $1, $2, password_hash, password_short, now()
         FROM users WHERE email = 'owner@acme.example'`,
      [email, name],
    );
    for (const [organization, role] of Object.entries(roles)) {
      await this.sql(
        `INSERT INTO memberships (user_id, organization_id, role)
         SELECT u.id, o.id, $3 FROM users u, organizations o WHERE u.email = $1 AND o.key = $2`,
        [email, organization, role],
      );
    }
  }

  /** Sells a module to an organization, as the billing system does. @param seats named ones; without, unlimited */
  async sell(organization: string, module: ClientId, seats?: number): Promise<void> {
    const [bought] = await this.sql<{ organization_id: string; plan_version_id: string }>(
      `SELECT o.id AS organization_id, p.id AS plan_version_id FROM organizations o, plan_versions p
        WHERE o.key = $1 AND p.plan_key = $2`,
      [organization, module === 'projects' ? 'projects-business' : 'reports-standard'],
    );
    const token = await fetch(`${this.server}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`billing:${this.billingSecret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'licensing:write' }),
    });
    const { access_token: accessToken } = (await token.json()) as { access_token: string };
    const sold = await fetch(`${this.server}/v1/licenses`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${accessToken}`,
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
      },
      body: JSON.stringify({
        ...bought,
        module,
        starts_at: new Date().toISOString(),
        ...(seats === undefined ? { seat_model: 'unlimited' } : { seat_model: 'named', seat_limit: seats }),
      }),
    });
    if (sold.status !== 201) throw new Error(`not sold: ${sold.status} ${await sold.text()}`);
  }

  /** What a role may do in a module, and owners may put into roles of their own; every node hears of it. */
  async addPermissions(module: ClientId, role: string, permissions: readonly string[]): Promise<void> {
    await this.sql(
      `WITH saved AS (
         INSERT INTO module_permissions (module_key, role, permissions) VALUES ($1, $2, $3)
         ON CONFLICT (module_key, role) DO UPDATE
           SET permissions = ARRAY(SELECT DISTINCT unnest(module_permissions.permissions || excluded.permissions))
         RETURNING module_key
       )
       INSERT INTO outbox (kind, subject) SELECT 'catalog-changed', module_key FROM saved`,
      [module, role, permissions],
    );
  }

  /** As if this person had signed in, and used every session last, so much earlier. */
  async backdateSessions(email: string, minutes: number): Promise<void> {
    await this.sql(
      `UPDATE sessions SET auth_time = auth_time - make_interval(mins => $2),
                           last_seen_at = last_seen_at - make_interval(mins => $2)
        WHERE user_id = (SELECT id FROM users WHERE email = $1)`,
      [email, minutes],
    );
  }

  async stop(): Promise<void> {
    await this.launcher.stop();
    await this.database.drop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async sql<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  }
}
