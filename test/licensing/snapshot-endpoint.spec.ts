import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ValidationPipe, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { randomBytes, randomUUID } from 'node:crypto';
import { EventsModule } from '#events';
import { LicensingModule, parseLicenseSnapshot } from '#licensing';
import { Configuration, PlatformModule, PublicError, sql } from '#platform';
import { LicensingWorld } from './licensing-world.js';

/** In place of client authentication: the caller says which module it is. */
class CalledBy implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; client?: object }>();
    const moduleKey = request.headers['x-module'] ?? null;
    request.client = { id: moduleKey ?? 'outsider', moduleKey };
    return true;
  }
}

describe('GET /v1/licenses/snapshot', () => {
  let world: LicensingWorld;
  let app: NestFastifyApplication;

  beforeAll(async () => {
    world = await LicensingWorld.create();
    const configuration = Configuration.load({
      NODE_ENV: 'test',
      DATABASE_URL: world.databaseUrl,
      CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    });
    const testing = await Test.createTestingModule({
      imports: [PlatformModule.with(configuration), EventsModule, LicensingModule],
    }).compile();
    app = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
    app.useGlobalGuards(new CalledBy());
    app.useGlobalFilters({
      catch(error: unknown, host) {
        const reply = host
          .switchToHttp()
          .getResponse<{ status(code: number): { send(body: object): void } }>();
        const status = error instanceof PublicError ? error.status : (error as { status: number }).status;
        reply.status(status).send({ code: error instanceof PublicError ? error.code : 'invalid_request' });
      },
    });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    await world.node.catalog.createModule(
      { key: 'desk', name: 'Desk', baseUrl: 'https://desk.example' },
      'seed',
    );
  });
  afterAll(async () => {
    await app.close();
    await world.close();
  });

  let licenseId: string;
  beforeEach(async () => {
    licenseId = await world.license();
  });

  const ask = (query: string, headers: Record<string, string> = { 'x-module': 'reports' }) =>
    app.inject({ method: 'GET', url: `/v1/licenses/snapshot?${query}`, headers });
  const desk = { 'x-module': 'desk' };
  const ours = () => `organization_id=${world.organizationId}`;

  it('answers the snapshot limited to the module of the client, under an entity tag', async () => {
    const response = await ask(ours());
    expect(response.statusCode).toBe(200);
    const snapshot = parseLicenseSnapshot(response.json());
    expect(snapshot.modules.map(({ key }) => key)).toEqual(['reports']);
    expect(snapshot.licenses.map(({ id }) => id)).toContain(licenseId);
    expect(response.headers).toMatchObject({
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
      'cache-control': 'private, no-cache',
    });

    const others = parseLicenseSnapshot((await ask(ours(), desk)).json());
    expect(others.modules.map(({ key }) => key)).toEqual(['desk']);
    expect(others.licenses).toEqual([]);
  });

  it('RFC 9110 §13.1.2: answers 304 without content while nothing has changed', async () => {
    const etag = String((await ask(ours())).headers.etag);
    for (const presented of [etag, `W/${etag}`, `"0", ${etag}`, '*']) {
      const response = await ask(ours(), { 'x-module': 'reports', 'if-none-match': presented });
      expect([response.statusCode, response.body, response.headers.etag]).toEqual([304, '', etag]);
    }
    await world.license();
    const response = await ask(ours(), { 'x-module': 'reports', 'if-none-match': etag });
    expect(response.statusCode).toBe(200);
    expect(response.headers.etag).not.toBe(etag);
  });

  it('a database that goes on from a backup, and gives a version again, has another entity tag for it', async () => {
    const { database, licenses } = world.node;
    const state = sql`SELECT license_version AS version FROM organizations WHERE id = ${world.organizationId}`;
    const [backup] = await database.query<{ version: string }>(state);
    const { version } = await licenses.changeStatus(licenseId, 'suspended', 'admin');
    const seen = await ask(ours());
    await database.query(sql`
      WITH license AS (UPDATE licenses SET status = 'issued' WHERE id = ${licenseId})
      UPDATE organizations SET license_version = ${backup?.version} WHERE id = ${world.organizationId}`);
    expect((await licenses.changeStatus(licenseId, 'revoked', 'admin')).version).toBe(version);
    const headers = { 'x-module': 'reports', 'if-none-match': String(seen.headers.etag) };
    const response = await ask(ours(), headers);
    expect(response.statusCode).toBe(200);
    const found = parseLicenseSnapshot(response.json()).licenses.find(({ id }) => id === licenseId);
    expect(found?.status).toBe('revoked');
  });

  it('a change of the catalog, which raises no version, changes the entity tag', async () => {
    const headers = { 'x-module': 'desk', 'if-none-match': String((await ask(ours(), desk)).headers.etag) };
    expect((await ask(ours(), headers)).statusCode).toBe(304);
    await world.node.catalog.changeModule('desk', { name: 'Front desk' }, 'admin');
    const response = await ask(ours(), headers);
    expect(response.statusCode).toBe(200);
    expect(parseLicenseSnapshot(response.json()).modules).toMatchObject([{ name: 'Front desk' }]);
  });

  it('answers a change at once, whatever this node has heard of', async () => {
    await ask(ours());
    const { version } = await world.node.licenses.changeStatus(licenseId, 'revoked', 'admin');
    const snapshot = parseLicenseSnapshot((await ask(ours())).json());
    expect(snapshot.version).toBe(version);
    expect(snapshot.licenses.find(({ id }) => id === licenseId)?.status).toBe('revoked');
  });

  it('refuses an unknown organization, a malformed, missing or repeated id, and a client of no module', async () => {
    const unknown = await ask(`organization_id=${randomUUID()}`);
    expect([unknown.statusCode, unknown.json()]).toEqual([404, { code: 'unknown_organization' }]);
    for (const query of ['', 'organization_id=acme', `${ours()}&${ours()}`]) {
      expect((await ask(query)).statusCode).toBe(400);
    }
    expect((await ask(ours(), {})).statusCode).toBe(403);
  });
});
