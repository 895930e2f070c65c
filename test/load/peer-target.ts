import { randomBytes } from 'node:crypto';
import { BuiltProcess } from '../support/built-process.js';
import { freePort } from '../support/ports.js';
import type { BenchDatabase } from './bench-database.js';
import { copy, sampleOf } from './generated-rows.js';
import { HttpConnection } from './http-connection.js';
import { pin, type Pinning } from './machine.js';
import { authorizeAndExchange } from './operations.js';
import { LIFETIMES, MACHINE_SCOPE, POOL_SIZE, RESOURCE, type BenchClient, type Target } from './target.js';

const DATABASE = 'peer';
const PER_SESSION = 10;

export interface PeerOptions {
  readonly sessions: number;
  readonly rows: number;
  readonly tokens: number;
  readonly pinning: Pinning | undefined;
}

/** node-oidc-provider beside ours: on the same PostgreSQL, with as many rows. */
export class PeerTarget implements Target {
  readonly title = 'oidc-provider';
  readonly database = DATABASE;
  readonly paths = {
    authorize: '/auth',
    token: '/token',
    introspect: '/token/introspection',
    userinfo: '/me',
    jwks: '/jwks',
    discovery: '/.well-known/openid-configuration',
  } as const;
  refreshTokens: readonly string[] = [];

  private constructor(
    private readonly process: BuiltProcess,
    readonly issuer: string,
    readonly port: number,
    readonly client: BenchClient,
    readonly inspector: BenchClient,
    readonly sessions: readonly string[],
  ) {}

  static async start(bench: BenchDatabase, options: PeerOptions): Promise<PeerTarget> {
    const port = await freePort();
    const issuer = `http://localhost:${port}`;
    const client = newClient('projects');
    const inspector = newClient('inspector');
    const settings = {
      issuer,
      port,
      databaseUrl: await bench.create(DATABASE),
      poolSize: POOL_SIZE,
      clients: [client, inspector],
      opaqueClient: inspector.id,
      resource: RESOURCE,
      resourceScope: MACHINE_SCOPE,
      lifetimes: LIFETIMES,
      sessions: options.sessions,
    };
    const server = new BuiltProcess('test/load/peer/server.mjs', {
      env: { NODE_ENV: 'production', PEER_SETTINGS: JSON.stringify(settings) },
    });
    if (options.pinning) pin(server.pid, options.pinning.servers);
    const [, sessions = ''] = await server.says(/^ready (.*)$/m);
    const target = new PeerTarget(server, issuer, port, client, inspector, JSON.parse(sessions) as string[]);
    target.refreshTokens = await target.generate(bench, options);
    return target;
  }

  get pid(): number {
    return this.process.pid;
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  /** Copies what one exchange wrote: a refresh token for each row, and a grant and a session for every ten. */
  private async generate(bench: BenchDatabase, { rows, tokens }: PeerOptions): Promise<string[]> {
    const connection = await HttpConnection.open(this.port);
    const { body } = await authorizeAndExchange(this, this.client, connection, 0);
    connection.close();
    const token = (JSON.parse(body) as { refresh_token: string }).refresh_token;
    const database = await bench.connect(DATABASE);
    try {
      const { rows: found } = await database.query<{ payload: { grantId: string; sessionUid: string } }>(
        `SELECT payload FROM oidc_payloads WHERE id = $1`,
        [token],
      );
      const { grantId = '', sessionUid = '' } = found[0]?.payload ?? {};
      const groups = Math.floor(rows / PER_SESSION);
      await copyPayload(database, "type = 'Grant' AND id = $1", grantId, groups, { jti: "'grant-' || i" });
      await copyPayload(database, "type = 'Session' AND uid = $1", sessionUid, groups, {
        jti: "'session-' || i",
        uid: "'uid-' || i",
        authorizations: `jsonb_set(template.payload -> 'authorizations', '{${this.client.id},grantId}', to_jsonb('grant-' || i))`,
      });
      await copyPayload(database, "type = 'RefreshToken' AND id = $1", token, rows, {
        jti: refreshTokenSql,
        grantId: `'grant-' || (i / ${PER_SESSION})`,
        sessionUid: `'uid-' || (i / ${PER_SESSION})`,
      });
      await database.query('VACUUM (ANALYZE) oidc_payloads');
    } finally {
      await database.end();
    }
    return sampleOf(rows, tokens).map((number) => `refresh-token-${String(number).padStart(29, '0')}`);
  }
}

/** As long as its own, which are 43 characters. */
const refreshTokenSql = "'refresh-token-' || lpad(i::text, 29, '0')";

function copyPayload(
  database: Awaited<ReturnType<BenchDatabase['connect']>>,
  which: string,
  key: string,
  copies: number,
  payload: Readonly<Record<string, string>> & { readonly jti: string },
): Promise<void> {
  const pairs = Object.entries(payload).map(([name, expression]) => `'${name}', ${expression}`);
  const changes = {
    id: payload.jti,
    payload: `template.payload || jsonb_build_object(${pairs.join(', ')})`,
    ...(payload['grantId'] === undefined ? {} : { grant_id: payload['grantId'] }),
    ...(payload['uid'] === undefined ? {} : { uid: payload['uid'] }),
  };
  return copy(database, { table: 'oidc_payloads', which, key, changes }, 0, copies);
}

function newClient(id: string): BenchClient {
  return {
    id,
    secret: randomBytes(32).toString('base64url'),
    redirectUri: `https://${id}.example/callback`,
  };
}
