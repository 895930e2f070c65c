import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import type { LicenseSnapshot, SnapshotLicense, SnapshotTerms } from '@core-auth/module-kit/licensing';

type KeyPair = { privateKey: CryptoKey; jwk: JWK };

export const CLIENT = { id: 'projects', secret: 'a-secret-of-the-module-that-is-long-enough' };
export const ORGANIZATION = '0190a000-0000-7000-8000-0000000000a1';
export const USER = '0190a000-0000-7000-8000-0000000000u1'.replace('u', 'b');

interface Authorization {
  id: string;
  sid: string;
  nonce: string | undefined;
  challenge: string;
  redirectUri: string;
  generation: number;
  live: boolean;
}

/** A small authorization server over real HTTP whose faults a test can switch on; the kit sees no difference. */
export class FakeCoreAuth {
  issuer = '';
  /** How often each path was asked, by path. */
  readonly asked = new Map<string, number>();
  /** Paths that answer 503. */
  readonly down = new Set<string>();
  /** Paths that take a request and never answer. */
  readonly hanging = new Set<string>();
  /** Claims laid over those of the next tokens. */
  accessTokenClaims: Record<string, unknown> = {};
  idTokenClaims: Record<string, unknown> = {};
  /** Parameters laid over those of the next authorization responses; undefined removes one. */
  responseParameters: Record<string, string | undefined> = {};
  accessTokenSeconds = 3600;
  refreshDelayMs = 0;
  /** How far its clock is ahead of the real one. */
  aheadMs = 0;
  /** The next refresh answers are cut off after the rotation. */
  loseRefreshAnswers = 0;
  snapshot: LicenseSnapshot | undefined = licensedSnapshot();
  /** Of any metered feature. */
  readonly quota = { used: 0, limit: 10, keys: new Map<string, string>() };
  /** The floating seat of everybody; a heartbeat of an ended one is refused. */
  readonly lease = { fence: 0, live: false };
  /** The next answers about use are cut off after the count. */
  loseUsageAnswers = 0;
  /** Connections get no byte while false. */
  streaming = true;
  readonly inactive = new Set<string>();
  /** Tokens that only this server can read, and what it says of them. */
  private readonly opaque = new Map<string, Record<string, unknown>>();
  readonly authorizations = new Map<string, Authorization>();
  private readonly codes = new Map<string, Authorization>();
  private readonly refreshTokens = new Map<string, { authorization: Authorization; generation: number }>();
  private readonly streams = new Set<ServerResponse>();
  private readonly events: string[] = [];
  private keys: KeyPair;
  private readonly server: Server;
  private heartbeat: NodeJS.Timeout | undefined;

  private constructor(keys: KeyPair) {
    this.keys = keys;
    this.server = createServer((request, response) => {
      response.setHeader('date', new Date(Date.now() + this.aheadMs).toUTCString());
      this.respond(request, response).catch(() => response.destroy());
    });
  }

  static async start(): Promise<FakeCoreAuth> {
    const fake = new FakeCoreAuth(await makeKeys('key-1'));
    await fake.listen(0);
    return fake;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.issuer = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    this.heartbeat = setInterval(() => this.send(': heartbeat\n\n'), 100);
  }

  async stop(): Promise<void> {
    clearInterval(this.heartbeat);
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  /** A new signing key; tokens from now on carry its id. */
  async rotateKey(): Promise<void> {
    this.keys = await makeKeys(`key-${randomUUID()}`);
  }

  count(path: string): number {
    return this.asked.get(path) ?? 0;
  }

  /** Cuts every event connection. */
  cutStreams(): void {
    for (const stream of this.streams) stream.destroy();
  }

  publish(kind: string, subject: string, occurredAt = new Date(), organizationId = ORGANIZATION): void {
    const [type, subjectId] = this.describe(kind, subject, organizationId);
    const seconds = Math.floor(occurredAt.getTime() / 1000);
    const data = {
      iss: this.issuer,
      aud: CLIENT.id,
      iat: seconds,
      jti: randomUUID(),
      sub_id: subjectId,
      events: { [type]: { event_timestamp: seconds } },
    };
    this.events.push(`id: ${this.events.length + 1}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
    this.send(this.events.at(-1) ?? '');
  }

  /** As Core Auth; a kind that it does not know is one from the future. */
  private describe(kind: string, subject: string, organizationId: string): [type: string, subject: object] {
    const user = { format: 'iss_sub', iss: this.issuer, sub: subject };
    const opaque = { format: 'opaque', id: subject };
    const tenant = { format: 'opaque', id: organizationId };
    const openid = 'https://schemas.openid.net/secevent';
    switch (kind) {
      case 'authorization-revoked':
        return [`${openid}/oauth/event-type/tokens-revoked`, opaque];
      case 'session-ended':
        return [`${openid}/caep/event-type/session-revoked`, { format: 'complex', session: opaque }];
      case 'user-disabled':
        return [`${openid}/risc/event-type/account-disabled`, user];
      case 'credential-changed':
        return [`${openid}/caep/event-type/credential-change`, user];
      case 'client-disabled':
        return [`${openid}/oauth/event-type/client-disabled`, opaque];
      case 'token-revoked':
        return [
          `${openid}/oauth/event-type/token-revoked`,
          { format: 'jwt_id', iss: this.issuer, jti: subject },
        ];
      case 'membership-changed':
        return [`${openid}/caep/event-type/token-claims-change`, { format: 'complex', user, tenant }];
      case 'seat-assigned':
      case 'seat-released':
        return [`urn:core-auth:event-type:${kind}`, { format: 'complex', user, tenant }];
      case 'license-changed':
        return ['urn:core-auth:event-type:license-changed', { format: 'complex', tenant: opaque }];
      default:
        return [`urn:core-auth:event-type:${kind}`, opaque];
    }
  }

  /** Of the key that signs. */
  get kid(): string {
    return this.keys.jwk.kid ?? '';
  }

  async accessToken(audience: string, claims: Record<string, unknown> = {}, typ = 'at+jwt'): Promise<string> {
    const now = this.seconds();
    const payload = {
      iss: this.issuer,
      sub: USER,
      aud: [audience, this.issuer],
      client_id: CLIENT.id,
      iat: now,
      exp: now + this.accessTokenSeconds,
      jti: randomUUID(),
      scope: 'openid projects:read projects:write',
      sid: 'session-1',
      authorization_id: 'authorization-1',
      organization_id: ORGANIZATION,
      organization: 'acme',
      roles: ['member'],
      license_version: this.snapshot?.version ?? 1,
      modules: ['projects'],
      ...this.accessTokenClaims,
      ...claims,
    };
    return this.sign(payload, typ);
  }

  /** An access token that tells a client nothing, for one with `access_token_format: opaque`. */
  async opaqueToken(audience: string, claims: Record<string, unknown> = {}): Promise<string> {
    const token = Array.from({ length: 5 }, () => randomBytes(12).toString('base64url')).join('.');
    const payload = (await this.accessToken(audience, claims)).split('.')[1] ?? '';
    this.opaque.set(
      token,
      JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>,
    );
    return token;
  }

  async sign(payload: Record<string, unknown>, typ: string): Promise<string> {
    return new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', kid: this.keys.jwk.kid ?? '', typ })
      .sign(this.keys.privateKey);
  }

  private seconds(): number {
    return Math.floor((Date.now() + this.aheadMs) / 1000);
  }

  private send(text: string): void {
    if (!this.streaming) return;
    for (const stream of this.streams) stream.write(text);
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.issuer);
    this.asked.set(url.pathname, this.count(url.pathname) + 1);
    if (this.hanging.has(url.pathname)) return;
    if (this.down.has(url.pathname)) return json(response, 503, { error: 'server_error' });
    const body = await readBody(request);
    const form = new URLSearchParams(body);
    switch (url.pathname) {
      case '/oauth2/authorize':
        return this.authorize(url.searchParams, response);
      case '/oauth2/jwks':
        return json(response, 200, { keys: [this.keys.jwk] });
    }
    if (url.pathname === '/v1/launcher') return json(response, 200, LAUNCHER);
    const basic = `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;
    if (request.headers.authorization !== basic) return json(response, 401, { error: 'invalid_client' });
    switch (url.pathname) {
      case '/oauth2/token':
        return this.token(form, request, response);
      case '/oauth2/introspect':
        return json(response, 200, this.introspection(form.get('token') ?? ''));
      case '/v1/usage':
        return this.use(body, String(request.headers['idempotency-key']), response);
      case '/v1/licenses/snapshot':
        return this.snapshot
          ? json(response, 200, this.snapshot)
          : json(response, 404, { code: 'unknown_organization' });
      case '/v1/leases':
        this.lease.fence += 1;
        this.lease.live = true;
        return this.leased(response);
      case '/v1/leases/license.1/heartbeat':
        return this.lease.live ? this.leased(response) : json(response, 409, { code: 'lease_superseded' });
      case '/v1/events':
        return this.openStream(request, response);
    }
    return json(response, 404, {});
  }

  /** As Core Auth, for one feature with one limit: a key counts once. */
  private use(body: string, key: string, response: ServerResponse): void {
    const { amount, request_id: request } = JSON.parse(body) as { amount: number; request_id: string };
    const { limit } = this.quota;
    const known = this.quota.keys.has(key);
    const replayed = known && this.quota.keys.get(key) !== request ? { replayed: true } : {};
    if (!known && this.quota.used + amount > limit) {
      return json(response, 429, {
        ...QUOTA,
        allow: false,
        code: 'QUOTA_EXCEEDED',
        used: this.quota.used,
        limit,
      });
    }
    if (!known) this.quota.used += amount;
    if (!known) this.quota.keys.set(key, request);
    if (this.loseUsageAnswers > 0) {
      this.loseUsageAnswers -= 1;
      response.destroy();
      return;
    }
    return json(response, 200, {
      ...QUOTA,
      allow: true,
      code: 'OK',
      used: this.quota.used,
      limit,
      ...replayed,
    });
  }

  private leased(response: ServerResponse): void {
    const { fence } = this.lease;
    return json(response, 200, { id: 'license.1', fence, expires_in: 300, heartbeat_in: 100 });
  }

  private introspection(token: string): Record<string, unknown> {
    const claims = this.opaque.get(token);
    if (claims)
      return this.inactive.has(String(claims['jti'])) ? { active: false } : { active: true, ...claims };
    if (token.split('.').length !== 3) return { active: false };
    return { active: !this.inactive.has(jtiOf(token)) };
  }

  private authorize(query: URLSearchParams, response: ServerResponse): void {
    const authorization: Authorization = {
      id: randomUUID(),
      sid: 'session-1',
      nonce: query.get('nonce') ?? undefined,
      challenge: query.get('code_challenge') ?? '',
      redirectUri: query.get('redirect_uri') ?? '',
      generation: 0,
      live: true,
    };
    const code = randomBytes(16).toString('base64url');
    this.codes.set(code, authorization);
    this.authorizations.set(authorization.id, authorization);
    const target = new URL(authorization.redirectUri);
    const parameters = {
      code,
      state: query.get('state') ?? undefined,
      iss: this.issuer,
      ...this.responseParameters,
    };
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) target.searchParams.set(name, value);
    }
    response.writeHead(303, { location: target.href }).end();
  }

  private async token(
    form: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (form.get('grant_type') === 'refresh_token') return this.refresh(form, request, response);
    const authorization = this.codes.get(form.get('code') ?? '');
    this.codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (!authorization || authorization.challenge !== challenge) {
      return json(response, 400, { error: 'invalid_grant' });
    }
    return json(response, 200, await this.tokens(authorization, authorization.nonce));
  }

  /** As Core Auth: a token just behind gets the same successor, an older one ends the authorization. */
  private async refresh(
    form: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (this.refreshDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.refreshDelayMs));
    const presented = this.refreshTokens.get(form.get('refresh_token') ?? '');
    if (!presented?.authorization.live) return json(response, 400, { error: 'invalid_grant' });
    const { authorization, generation } = presented;
    if (generation < authorization.generation - 1) {
      authorization.live = false;
      return json(response, 400, { error: 'invalid_grant' });
    }
    if (generation === authorization.generation) authorization.generation += 1;
    if (this.loseRefreshAnswers > 0) {
      this.loseRefreshAnswers -= 1;
      request.socket.destroy();
      return;
    }
    return json(response, 200, await this.tokens(authorization, undefined));
  }

  private async tokens(
    authorization: Authorization,
    nonce: string | undefined,
  ): Promise<Record<string, unknown>> {
    const audience = new URL(authorization.redirectUri).origin;
    const accessToken = await this.accessToken(audience, {
      sid: authorization.sid,
      authorization_id: authorization.id,
    });
    const now = this.seconds();
    const refreshToken = `${authorization.id}.${authorization.generation}`;
    this.refreshTokens.set(refreshToken, { authorization, generation: authorization.generation });
    const idToken = await this.sign(
      {
        iss: this.issuer,
        sub: USER,
        aud: CLIENT.id,
        iat: now,
        exp: now + 300,
        auth_time: now,
        sid: authorization.sid,
        at_hash: createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url'),
        name: 'Ada Byron',
        email: 'ada@acme.example',
        organization_name: 'Acme',
        ...(nonce === undefined ? {} : { nonce }),
        ...this.idTokenClaims,
      },
      'JWT',
    );
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: this.accessTokenSeconds,
      refresh_token: refreshToken,
      id_token: idToken,
    };
  }

  private openStream(request: IncomingMessage, response: ServerResponse): void {
    const from = Number(request.headers['last-event-id'] ?? this.events.length);
    if (!Number.isSafeInteger(from) || from > this.events.length) return json(response, 400, {});
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
    if (!this.streaming) return;
    response.write(`id: ${from}\nevent: ready\ndata: {}\n\n`);
    for (const event of this.events.slice(from)) response.write(event);
  }
}

const QUOTA = { period_starts_at: '2020-01-01T00:00:00.000Z', period_ends_at: '2120-01-01T00:00:00.000Z' };

const LAUNCHER = {
  organization: { id: ORGANIZATION, key: 'acme', name: 'Acme' },
  modules: [
    { key: 'projects', name: 'Projects', url: 'http://localhost:3001', licensed: true },
    { key: 'reports', name: 'Reports', url: 'http://localhost:3002', licensed: true },
  ],
};

/** Acme has projects without seats: five projects, no export. */
export function licensedSnapshot(
  {
    features = { projects: 5, export: false },
    ...overrides
  }: Partial<SnapshotLicense & Pick<SnapshotTerms, 'features'>> = {},
  version = 1,
): LicenseSnapshot {
  return {
    organization: { id: ORGANIZATION, key: 'acme', state: 'active' },
    version,
    modules: [
      {
        key: 'projects',
        name: 'Projects',
        environment: 'production',
        baseUrl: 'http://localhost:3001',
        features: [
          { key: 'projects', type: 'limit', combine: 'max' },
          { key: 'export', type: 'boolean', combine: 'max' },
          { key: 'rendered-reports', type: 'metered', combine: 'max', period: 'month' },
          { key: 'renders', type: 'metered', combine: 'max', period: 'month' },
        ],
      },
    ],
    licenses: [
      {
        id: '0190a000-0000-7000-8000-0000000000c1',
        module: 'projects',
        environment: 'production',
        status: 'issued',
        startsAt: '2020-01-01T00:00:00.000Z',
        endsAt: null,
        graceDays: 0,
        trial: false,
        overage: 'refuse',
        timeZone: 'UTC',
        seatOnFirstUse: false,
        terms: [
          {
            effectiveAt: '2020-01-01T00:00:00.000Z',
            seatModel: 'unlimited',
            seatLimit: null,
            surplusUntil: null,
            features,
          },
        ],
        overrides: [],
        seats: [],
        ...overrides,
      },
    ],
  };
}

async function makeKeys(kid: string): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
}

function jtiOf(token: string): string {
  const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    jti: string;
  };
  return payload.jti;
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
  return body;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
