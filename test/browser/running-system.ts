import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    const launcher = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['start'],
      env: {
        PORT: String(server),
        PROJECTS_PORT: String(projects),
        REPORTS_PORT: String(reports),
        DATA_DIR: folder,
        DATABASE_URL: database.url,
        CORE_AUTH_DEMO_PASSWORD: password,
        // whole journeys from one address
        CORE_AUTH_RATE_LIMIT_SIGN_IN: '1000',
        CORE_AUTH_RATE_LIMIT_MAIL: '1000',
        CORE_AUTH_RATE_LIMIT_TOKEN: '10000',
      },
    });
    await launcher.says(/^ready/m);
    const at = (port: number | undefined) => `http://localhost:${port}`;
    return new RunningSystem(at(server), at(projects), at(reports), password, database, launcher, folder);
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
