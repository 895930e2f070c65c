import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type ErrorRequestHandler } from 'express';
import fastify from 'fastify';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CatalogRepository } from '#licensing';
import { Database, sql } from '#platform';
import { CoreAuthLicenses, sendProblem } from '@core-auth/module-kit/node';
import { World } from '../support/world.js';
import { CLIENT } from './fake-core-auth.js';

/** An API on `node:http` alone: one route, which counts what it does. */
function plainApi(license: CoreAuthLicenses): RequestListener {
  return (request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const call = { method, url, headers };
    const answer = async (): Promise<void> => {
      const principal = await license.authenticate(call);
      await license.require(principal, { feature: 'export' });
      const key = license.uses.keyOf(call, principal, 'renders');
      const use = await license.uses.require(principal, 'renders', 1, key);
      response.writeHead(200, { 'content-type': 'application/json', ...license.uses.headers(use) });
      response.end(JSON.stringify({ remaining: use.remaining }));
    };
    answer().catch((error: unknown) => {
      if (!sendProblem(response, error)) response.writeHead(500).end();
    });
  };
}

interface Served {
  readonly url: string;
  readonly close: () => Promise<void>;
}

async function listening(api: RequestListener): Promise<Served> {
  const server = createServer(api);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function fastifyApi(license: CoreAuthLicenses): Promise<Served> {
  const app = fastify();
  app.setErrorHandler((error, _request, reply) => {
    reply.hijack();
    if (!sendProblem(reply.raw, error)) reply.raw.writeHead(500).end();
  });
  app.post('/', async (request, reply) => {
    const principal = await license.authenticate(request);
    await license.require(principal, { feature: 'export' });
    const key = license.uses.keyOf(request, principal, 'renders');
    const use = await license.uses.require(principal, 'renders', 1, key);
    void reply.headers(license.uses.headers(use));
    return { remaining: use.remaining };
  });
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
}

/** An Express application whose one router is mounted at two addresses, of which it sees nothing. */
function expressApi(license: CoreAuthLicenses): RequestListener {
  const router = express.Router();
  router.post('/', async (request, response) => {
    const principal = await license.authenticate(request);
    await license.require(principal, { feature: 'export' });
    const key = license.uses.keyOf(request, principal, 'renders');
    const use = await license.uses.require(principal, 'renders', 1, key);
    response.set(license.uses.headers(use)).json({ remaining: use.remaining });
  });
  const refused: ErrorRequestHandler = (error, _request, response, next) => {
    if (!sendProblem(response, error)) next(error);
  };
  const app = express();
  app.use(express.json());
  app.use(['/renders', '/elsewhere'], router);
  app.use(refused);
  return app;
}

describe('the license core without Nest', () => {
  const LIMIT = 6;
  let world: World;
  let license: CoreAuthLicenses;
  let member: string;
  const servers: Record<string, Served> = {};

  beforeAll(async () => {
    world = await World.start();
    await world.app
      .get(CatalogRepository)
      .createFeature(
        { moduleKey: 'projects', key: 'renders', type: 'metered', combine: 'sum', period: 'year' },
        'test',
      );
    const plan = await world.app.get(CatalogRepository).createPlanVersion(
      {
        planKey: 'renders',
        name: 'Renders',
        moduleKey: 'projects',
        features: { renders: LIMIT, export: true },
      },
      'test',
    );
    await world.licenses.changeStatus(world.id('license:acme:projects'), 'cancelled', 'test');
    await world.license('acme', 'projects', {
      planVersionId: plan.id,
      seatModel: 'floating',
      seatLimit: 1,
    });
    const { id, secret } = world.client(CLIENT.id);
    license = CoreAuthLicenses.with({
      coreAuthUrl: world.url,
      clientId: id,
      clientSecret: secret ?? '',
      moduleUrl: 'https://projects.example',
      moduleKey: 'projects',
    });
    license.start();
    servers['node:http'] = await listening(plainApi(license));
    servers['Fastify'] = await fastifyApi(license);
    const expressServer = await listening(expressApi(license));
    servers['Express'] = { ...expressServer, url: `${expressServer.url}/renders` };
    servers['Express, elsewhere'] = { ...expressServer, url: `${expressServer.url}/elsewhere` };
    member = (await world.signedInClient('member@acme.example')).tokens.access_token;
  }, 60_000);
  afterAll(async () => {
    for (const { close } of Object.values(servers)) await close();
    await license.stop();
    await world.stop();
  });

  const ask = async (server: string, token: string | undefined, key?: string) => {
    const response = await fetch(servers[server]?.url ?? '', {
      method: 'POST',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
    });
    const body = (await response.json()) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, body };
  };

  describe.each([
    ['node:http', 5],
    ['Fastify', 4],
    ['Express', 3],
  ])('on %s', (server, left) => {
    it('verifies the token, takes a seat, counts the use and says what is left; a key gives one use', async () => {
      const answers = [await ask(server, member, server), await ask(server, member, server)];
      expect(answers.map(({ status, body }) => [status, body['remaining'] ?? body['code']])).toEqual([
        [200, left],
        [409, 'ALREADY_COUNTED'],
      ]);
      expect(answers[0]?.headers.get('ratelimit')).toContain(`"renders";r=${left};t=`);
    });

    it('refuses as problem details whom it does not know, and who finds no seat', async () => {
      const stranger = await ask(server, undefined);
      expect([stranger.status, stranger.body['code']]).toEqual([401, 'token_required']);
      expect(stranger.headers.get('www-authenticate')).toContain('Bearer resource_metadata=');
      const { tokens } = await world.signedInClient('owner@acme.example');
      const refused = await ask(server, tokens.access_token);
      expect([refused.status, refused.body['code']]).toEqual([403, 'SEATS_EXHAUSTED']);
      expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    });
  });

  it('on Express a key is bound to the address as it was sent, whichever router sees how much of it', async () => {
    const answers = [
      await ask('Express', member, 'Express'),
      await ask('Express, elsewhere', member, 'Express'),
    ];
    expect(answers.map(({ status, body }) => [status, body['remaining'] ?? body['code']])).toEqual([
      [409, 'ALREADY_COUNTED'],
      [200, 2],
    ]);
  });

  it('refuses with 429 once the quota is used up', async () => {
    const statuses: number[] = [];
    for (let use = 0; use < 3; use += 1) statuses.push((await ask('node:http', member)).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  it('decides, says what it rests on, and how current it is', async () => {
    const principal = await license.authenticate({
      method: 'GET',
      url: '/',
      headers: { authorization: `Bearer ${member}` },
    });
    expect(await license.decide(principal, { feature: 'export' })).toMatchObject({ allow: true, code: 'OK' });
    expect(license.leases.leaseOf(principal)).toMatchObject({ fence: 1, userId: principal.user?.id });
    const { decisions, leasesHeld } = license.stats();
    expect(leasesHeld).toBe(1);
    expect(decisions).toContainEqual({ code: 'QUOTA_EXCEEDED', source: 'server', count: 1 });
    expect(decisions.map(({ code }) => code)).toEqual(expect.arrayContaining(['OK', 'SEATS_EXHAUSTED']));
  });

  it('leaves seats to the processes beside it when it stops', async () => {
    await license.stop();
    const held = await world.app.get(Database).query(sql`SELECT 1 FROM seat_leases WHERE expires_at > now()`);
    expect(held).toHaveLength(1);
  });
});
