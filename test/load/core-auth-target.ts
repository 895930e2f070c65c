import { OpaqueTokens } from '#tokens';
import { SessionRepository } from '#sessions';
import { BuiltProcess } from '../support/built-process.js';
import { databaseUrl } from '../support/database.js';
import { freePort } from '../support/ports.js';
import { claimsOf, World, type TestClient } from '../support/world.js';
import type { BenchDatabase } from './bench-database.js';
import { generateAuthorizations, generatedAuthorization, sampleOf } from './generated-rows.js';
import { pin, type Pinning } from './machine.js';
import { POOL_SIZE, SCOPE, type BenchClient, type Target } from './target.js';

const ISSUER = 'https://core-auth.example';
const COOKIE = '__Host-core_auth_session';
const PERSON = 'member@acme.example';

export interface CoreAuthOptions {
  readonly sessions: number;
  /** How many refresh tokens the driver gets at each of these numbers of rows, the smallest first. */
  readonly tokens: number;
  readonly scales: readonly number[];
  readonly pinning: Pinning | undefined;
  /** Added to the environment of the server. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Our server as it runs in production, but that its proxy, which would end TLS, is left out. */
export class CoreAuthTarget implements Target {
  readonly title = 'Core Auth';
  readonly issuer = ISSUER;
  readonly paths = {
    authorize: '/oauth2/authorize',
    token: '/oauth2/token',
    introspect: '/oauth2/introspect',
    userinfo: '/oauth2/userinfo',
    jwks: '/oauth2/jwks',
    discovery: '/.well-known/openid-configuration',
  } as const;
  refreshTokens: readonly string[] = [];
  private rows = 0;

  private constructor(
    private readonly bench: BenchDatabase,
    private readonly process: BuiltProcess,
    private readonly seeded: Seeded,
    readonly port: number,
  ) {}

  static async start(bench: BenchDatabase, options: CoreAuthOptions): Promise<CoreAuthTarget> {
    const seeded = await seed(options);
    const port = await freePort();
    const server = new BuiltProcess('dist/apps/server/main.js', {
      env: {
        ...seeded.keys,
        NODE_ENV: 'production',
        CORE_AUTH_URL: ISSUER,
        HOST: '127.0.0.1',
        PORT: String(port),
        DATABASE_URL: databaseUrl(seeded.database),
        CORE_AUTH_DATABASE_POOL_SIZE: String(POOL_SIZE),
        CORE_AUTH_RATE_LIMIT_SIGN_IN: '1000000000',
        CORE_AUTH_RATE_LIMIT_TOKEN: '1000000000',
        LOG_LEVEL: 'warn',
        ...options.env,
      },
    });
    if (options.pinning) pin(server.pid, options.pinning.servers);
    await server.answers(`http://127.0.0.1:${port}/health/ready`);
    return new CoreAuthTarget(bench, server, seeded, port);
  }

  get pid(): number {
    return this.process.pid;
  }

  get database(): string {
    return this.seeded.database;
  }

  get client(): BenchClient {
    return this.seeded.client;
  }

  get inspector(): BenchClient {
    return this.seeded.client;
  }

  get sessions(): readonly string[] {
    return this.seeded.sessions;
  }

  signal(signal: NodeJS.Signals): void {
    this.process.signal(signal);
  }

  /** Until so many generated authorizations are there; `refreshTokens` are then of rows spread over them. */
  async grow(rows: number, progress?: (done: number) => void): Promise<void> {
    const client = await this.bench.connect(this.database);
    try {
      await generateAuthorizations(client, this.seeded.template, { from: this.rows + 1, to: rows }, progress);
    } finally {
      await client.end();
    }
    this.rows = rows;
    this.refreshTokens = this.seeded.refreshTokens.get(rows) ?? [];
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

interface Seeded {
  readonly database: string;
  readonly keys: Readonly<Record<string, string>>;
  readonly client: BenchClient;
  readonly sessions: readonly string[];
  readonly template: { authorizationId: string; sessionId: string; userId: string };
  readonly refreshTokens: ReadonlyMap<number, readonly string[]>;
}

/** The world of the tests, written by the repositories; then its server ends, and the data stays. */
async function seed({ sessions, tokens, scales }: CoreAuthOptions): Promise<Seeded> {
  const world = await World.start({ env: { CORE_AUTH_URL: ISSUER } });
  try {
    const client = world.client('projects');
    const cookies: string[] = [];
    for (let number = 0; number < sessions; number += 1) {
      const { id } = await world.accounts.createUser(
        { email: `person-${number}@acme.example`, name: 'Pat Person', passwordHash: 'nobody signs in by it' },
        'bench',
      );
      await world.accounts.addMember(
        { userId: id, organizationId: world.id('acme'), role: 'member' },
        'bench',
      );
      const secret = await world.app
        .get(SessionRepository)
        .start({ userId: id, amr: ['pwd'], userAgent: 'bench', address: '127.0.0.1' });
      cookies.push(`${COOKIE}=${secret}`);
    }
    const { generation, ...template } = await templateOf(world, client);
    const mint = (number: number) => {
      const { id, rowSecret } = generatedAuthorization(number);
      return world.app
        .get(OpaqueTokens)
        .mint('refresh_token', { authorizationId: id, generation, rowSecret });
    };
    return {
      database: world.database.name,
      keys: { CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '' },
      client: { ...client, secret: client.secret ?? '' },
      sessions: cookies,
      template,
      refreshTokens: new Map(
        scales.map((rows, index) => {
          // those among fewer rows have been presented by the time that there are so many
          const before = scales[index - 1] ?? 0;
          return [rows, sampleOf(rows - before, tokens).map((number) => mint(before + number))];
        }),
      ),
    };
  } finally {
    // the data stays for the server that is measured
    await world.app.close();
  }
}

/** An authorization as a client got it, which the generated ones are copies of. */
async function templateOf(world: World, client: TestClient) {
  const browser = await world.signIn(PERSON);
  const { body } = await world.exchange(client, await world.code(client, browser, { scope: SCOPE }));
  const claims = claimsOf(String(body['access_token']));
  const token = world.app.get(OpaqueTokens).read('refresh_token', String(body['refresh_token']));
  if (!token) throw new Error(`the exchange gave no refresh token: ${JSON.stringify(body)}`);
  return {
    authorizationId: token.authorizationId,
    generation: token.generation,
    sessionId: String(claims['sid']),
    userId: String(claims['sub']),
  };
}
