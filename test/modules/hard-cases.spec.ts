import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CatalogRepository, UsageReportRepository } from '#licensing';
import { Database, RedisConnection, sql } from '#platform';
import { destinationOf, eventually, parametersOf } from '../support/answers.js';
import { Line } from '../support/line.js';
import { freePort } from '../support/ports.js';
import { RedisServer } from '../support/redis.js';
import { basic, claimsOf, World, type TestClient } from '../support/world.js';
import { startModule, type GuardedModule } from './guarded-module.js';

const MODULE_URL = 'https://projects.example';
const MINUTE = 60_000;
const DAY = 86_400_000;

interface Asked {
  readonly status: number;
  readonly code?: string;
}

describe('hard cases of licensing in a module guard before two nodes with Redis', () => {
  let redis: RedisServer;
  let line: Line;
  let world: World;
  let other: World;
  let client: TestClient;
  let module: GuardedModule;
  /** What the clock of the module says. */
  let now: number;
  let sentinel: Awaited<ReturnType<typeof customer>>;

  beforeAll(async () => {
    redis = await RedisServer.start();
    const [port, otherPort] = [await freePort(), await freePort()];
    line = await Line.open(port, otherPort);
    const env = { REDIS_URL: redis.url, CORE_AUTH_URL: line.url };
    world = await World.start({ env: { ...env, PORT: String(port) } });
    other = await World.start({ env: { ...env, PORT: String(otherPort) }, beside: world });
    client = world.client('projects');
    for (const node of [world, other]) {
      await eventually(() => node.app.get(RedisConnection).ready || undefined, 'Redis');
    }
    sentinel = await customer();
  }, 60_000);
  afterAll(async () => {
    await other.stop();
    await world.stop();
    await line.close();
    await redis.stop();
  });
  beforeEach(async () => {
    module = await startModule(
      { issuer: line.url },
      {
        clientId: client.id,
        clientSecret: client.secret ?? '',
        moduleUrl: MODULE_URL,
        streamSilenceMs: undefined,
      },
    );
    // later than what the database writes in the meantime: a token tells no parts of a second, and one of the very
    // second in which its person joined has to be asked about
    now = Date.now() + 10_000;
    module.clock.held = () => now;
    await module.listening();
    // the times of both that a token goes by
    world.clock.set(new Date(now));
  });
  afterEach(async () => {
    line.restore();
    await module.stop();
  });

  const ask = async (token: string, path = '/api/licensed', init: RequestInit = {}): Promise<Asked> => {
    const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` };
    const response = await fetch(module.url + path, { ...init, headers });
    const { code } = (await response.json()) as { code?: string };
    return { status: response.status, ...(code === undefined ? {} : { code }) };
  };
  let count = 0;
  /** A person of an organization of their own, with a license and a token that the guard has let in. */
  const customer = async (license: Parameters<World['license']>[2] = {}) => {
    count += 1;
    const key = `customer-${count}`;
    await world.createOrganization(key, key);
    const licenseId = await world.license(key, 'projects', license);
    await world.createPerson(`ann@${key}.example`, 'Ann', { [key]: 'member' });
    const browser = await world.signIn(`ann@${key}.example`);
    const { body } = await world.exchange(client, await world.code(client, browser));
    return { key, licenseId, token: String(body['access_token']), refresh: String(body['refresh_token']) };
  };
  const OK = { status: 200 };
  /** Waits until the guard has heard of everything that happened before; events come in order. */
  const heard = async () => {
    for (const [status, answer] of [
      ['suspended', 403],
      ['issued', 200],
    ] as const) {
      await world.licenses.changeStatus(sentinel.licenseId, status, 'test');
      await eventually(
        async () => ((await ask(sentinel.token)).status === answer ? true : undefined),
        'the change',
        30_000,
      );
    }
  };
  const letIn = async (...customers: readonly { readonly token: string }[]) => {
    await heard();
    for (const { token } of customers) expect(await ask(token)).toEqual(OK);
  };

  describe('hard case 3: suspend on node A while the guard behind node B is asked every 100 ms with pushes dropped', () => {
    it.each([
      ['cut off', () => line.cutStream()],
      ['silent on an open connection', () => line.silenceStream()],
    ])('it denies within 5 s: the stream is %s', async (_, drop) => {
      const ann = await customer();
      const { key, licenseId, token, refresh } = ann;
      await letIn(ann);
      drop();
      await world.licenses.changeStatus(licenseId, 'suspended', 'test');

      // node B itself hears of nothing by that line, and refuses at once
      expect(await check(other, key)).toBe('SUSPENDED');
      expect((await other.refresh(client, refresh)).status).toBe(400);
      const suspended = now;
      let answer = await ask(token);
      while (answer.status === 200 && now - suspended < 5000) {
        now += 100;
        answer = await ask(token);
      }
      expect(answer).toEqual({ status: 403, code: 'SUSPENDED' });
      // the bound is kept by the age of what is remembered, not because something was asked each time
      expect(now - suspended).toBeGreaterThan(1000);
    });

    const check = async (node: World, organization: string) => {
      const response = await fetch(`${node.url}/v1/licenses/check`, {
        method: 'POST',
        headers: { authorization: basic(client), 'content-type': 'application/json' },
        body: JSON.stringify({ organization_id: world.id(organization) }),
      });
      return ((await response.json()) as { code: string }).code;
    };
  });

  describe('hard case 6: Core Auth is down', () => {
    it('what was allowed is allowed to 15 min and not a millisecond longer: then 503, and again allowed when it is back', async () => {
      const ann = await customer();
      const { token } = ann;
      await letIn(ann);
      const since = now;
      line.goDown();
      for (const after of [1000, 5000, 10 * MINUTE, 15 * MINUTE]) {
        now = since + after;
        expect([after, await ask(token)]).toEqual([after, OK]);
      }
      for (const after of [15 * MINUTE + 1, 16 * MINUTE, 60 * MINUTE]) {
        now = since + after;
        expect([after, await ask(token)]).toEqual([after, { status: 503, code: 'CHECK_UNAVAILABLE' }]);
      }
      line.restore();
      now += 1000;
      expect(await ask(token)).toEqual(OK);
    });

    it('an organization that the guard has not seen is CHECK_UNAVAILABLE at once', async () => {
      const [known, unknown] = [await customer(), await customer()];
      await letIn(known);
      line.goDown();
      expect(await ask(unknown.token)).toEqual({ status: 503, code: 'CHECK_UNAVAILABLE' });
      expect(await ask(known.token)).toEqual(OK);
    });

    it('an end, of a license and of its grace, inside the window denies to the millisecond', async () => {
      const endsAt = new Date(now + 10 * MINUTE);
      const plain = await customer({ endsAt });
      const graced = await customer({
        startsAt: new Date(now - 3 * DAY),
        endsAt: new Date(endsAt.getTime() - DAY),
        graceDays: 1,
      });
      await letIn(plain, graced);
      line.goDown();
      now = endsAt.getTime() - 1;
      for (const { token } of [plain, graced]) expect(await ask(token)).toEqual(OK);
      now = endsAt.getTime();
      for (const { token } of [plain, graced]) {
        expect(await ask(token)).toEqual({ status: 403, code: 'EXPIRED' });
      }
    });

    it('what was revoked before stays denied, a license as well as a token', async () => {
      const [license, token, kept] = [await customer(), await customer(), await customer()];
      await letIn(license, token, kept);
      await world.licenses.changeStatus(license.licenseId, 'revoked', 'test');
      await other.revoke(client, token.refresh);
      await heard();
      expect(await ask(license.token)).toEqual({ status: 403, code: 'REVOKED' });
      expect(await ask(token.token)).toEqual({ status: 401, code: 'invalid_token' });
      const since = now;
      line.goDown();
      for (const after of [0, 5000, 14 * MINUTE, 15 * MINUTE]) {
        now = since + after;
        expect(await ask(license.token)).toEqual({ status: 403, code: 'REVOKED' });
        expect(await ask(token.token)).toEqual({ status: 401, code: 'invalid_token' });
        expect(await ask(kept.token)).toEqual(OK);
      }
      now = since + 15 * MINUTE + 1;
      for (const each of [license, token]) expect((await ask(each.token)).status).not.toBe(200);
    });

    it('a floating seat holds to the end of its lease, which nobody can prolong, and not beyond', async () => {
      const { token } = await customer({ seatModel: 'floating', seatLimit: 1, leaseSeconds: 90 });
      await letIn({ token });
      const since = now;
      line.goDown();
      now = since + 60_000;
      expect(await ask(token)).toEqual(OK);
      // long before the end of the window
      now = since + 91_000;
      expect(await ask(token)).toEqual({ status: 403, code: 'LEASE_EXPIRED' });
      line.restore();
      now += 1000;
      expect(await ask(token)).toEqual(OK);
    });

    it('a metered use, which nobody can count, is refused at once and has not been counted afterwards', async () => {
      const catalog = world.app.get(CatalogRepository);
      await catalog.createFeature(
        { moduleKey: 'projects', key: 'renders', type: 'metered', combine: 'sum' },
        'test',
      );
      const plan = await catalog.createPlanVersion(
        { planKey: 'projects-renders', name: 'Renders', moduleKey: 'projects', features: { renders: 9 } },
        'test',
      );
      const { token, key } = await customer({ planVersionId: plan.id });
      await letIn({ token });
      expect(await ask(token, '/api/rendered')).toEqual(OK);
      line.goDown();
      for (let attempt = 0; attempt < 3; attempt += 1) {
        expect(await ask(token, '/api/rendered')).toEqual({ status: 503, code: 'CHECK_UNAVAILABLE' });
        expect(await ask(token)).toEqual(OK);
      }
      line.restore();
      expect(await ask(token, '/api/rendered')).toEqual(OK);
      const { used } = await world.app
        .get(UsageReportRepository)
        .present(world.id(key), 'projects', 'renders');
      expect(used).toBe(2);
    });

    it('a denial is not turned by a start inside the window', async () => {
      const { key, licenseId, token } = await customer();
      const startsAt = new Date(now + 5 * MINUTE);
      await world.license(key, 'projects', { startsAt });
      await world.licenses.changeStatus(licenseId, 'revoked', 'test');
      await heard();
      const before = await ask(token);
      expect(before.status).toBe(403);
      line.goDown();
      now = startsAt.getTime() + 1000;
      expect(await ask(token)).toEqual(before);
      line.restore();
      now += 1000;
      expect(await ask(token)).toEqual(OK);
    });
  });

  it('a database that goes on from a backup is followed, though its license versions are lower than what was seen', async () => {
    const ann = await customer();
    await letIn(ann);
    const database = world.app.get(Database);
    const [backup] = await database.query<{ version: string }>(sql`
      SELECT license_version AS version FROM organizations WHERE key = ${ann.key}`);
    for (const status of ['suspended', 'issued', 'suspended'] as const) {
      await world.licenses.changeStatus(ann.licenseId, status, 'test');
    }
    await heard();
    expect(await ask(ann.token)).toEqual({ status: 403, code: 'SUSPENDED' });
    await database.query(sql`
      WITH license AS (UPDATE licenses SET status = 'issued' WHERE id = ${ann.licenseId}),
           organization AS (
             UPDATE organizations SET license_version = ${backup?.version} WHERE key = ${ann.key})
      UPDATE outbox_history SET id = gen_random_uuid()`);
    await eventually(async () => {
      now += 100;
      return (await ask(ann.token)).status === 200 ? true : undefined;
    }, 'what the backup says');
  }, 60_000);

  describe('hard case 7: a person of organizations A, which is licensed, and B, which is not any more', () => {
    let a: string;
    let b: string;
    beforeAll(async () => {
      await world.createOrganization('alpha', 'Alpha');
      await world.createOrganization('beta', 'Beta');
      await world.license('alpha', 'projects');
      // with a plan of its own, which has no export
      const plan = await world.app
        .get(CatalogRepository)
        .createPlanVersion(
          { planKey: 'projects-small', name: 'Small', moduleKey: 'projects', features: {} },
          'test',
        );
      await world.license('beta', 'projects', { planVersionId: plan.id });
      await world.createPerson('both@partners.example', 'Bo', { alpha: 'member', beta: 'member' });
      [a, b] = [world.id('alpha'), world.id('beta')];
    });

    /** The token of one of the person's organizations, chosen in this browser session. */
    const tokenFor = async (browser: Awaited<ReturnType<World['signIn']>>, organizationId: string) => {
      const asked = world.authorizationRequest(client, { prompt: 'select_account' });
      const page = destinationOf(await browser.get(asked.path));
      const chosen = await browser.submit(page.pathname + page.search, '/choose-organization', {
        organization_id: organizationId,
      });
      const { code = '' } = parametersOf(await browser.get(chosen.headers.get('location') ?? ''));
      const { body } = await world.exchange(client, { code, verifier: asked.verifier });
      const token = String(body['access_token']);
      expect(claimsOf(token)['organization_id']).toBe(organizationId);
      return token;
    };
    const headersNaming = (organizationId: string): Record<string, string> => ({
      'organization-id': organizationId,
      'x-organization-id': organizationId,
      'x-organization': 'alpha',
      'x-tenant-id': organizationId,
      organization_id: organizationId,
      cookie: `organization_id=${organizationId}`,
    });

    it("B's token with A's id in a header, the path, the query or the body is denied, and A's is let in with B's", async () => {
      const browser = await world.signIn('both@partners.example');
      const [tokenA, tokenB] = [await tokenFor(browser, a), await tokenFor(browser, b)];
      const ways = async (token: string, named: string): Promise<Asked[]> => {
        const body = JSON.stringify({ organization_id: named, organizationId: named, organization: named });
        const json = { 'content-type': 'application/json' };
        const path = `/api/organizations/${named}/licensed?organization_id=${named}`;
        return [
          await ask(token, '/api/licensed', { headers: headersNaming(named) }),
          await ask(token, `/api/licensed?organization_id=${named}&organization=${named}`),
          await ask(token, path, { method: 'POST', body, headers: { ...json, ...headersNaming(named) } }),
        ];
      };
      await heard();
      expect(await ask(tokenA, '/api/export')).toEqual(OK);
      expect(await ask(tokenB, '/api/export', { headers: headersNaming(a) })).toEqual({
        status: 403,
        code: 'FEATURE_NOT_INCLUDED',
      });
      for (const answer of await ways(tokenB, a)) expect(answer.status).toBeLessThan(300);
      await other.licenses.changeStatus(world.id('license:beta:projects'), 'suspended', 'test');
      await heard();
      for (const answer of await ways(tokenB, a)) {
        expect(answer).toEqual({ status: 403, code: 'SUSPENDED' });
      }
      for (const answer of await ways(tokenA, b)) expect(answer.status).toBeLessThan(300);
      await other.licenses.changeStatus(world.id('license:beta:projects'), 'issued', 'test');
    });

    it('a token without an organization is ORG_CONTEXT_REQUIRED, whatever the request names', async () => {
      const { body } = await world.token(client, {
        grant_type: 'client_credentials',
        scope: 'projects:read',
      });
      const token = String(body['access_token']);
      for (const init of [{}, { headers: headersNaming(a) }]) {
        expect(await ask(token, '/api/licensed', init)).toEqual({
          status: 403,
          code: 'ORG_CONTEXT_REQUIRED',
        });
      }
    });

    it('a person’s token for no organization is for Core Auth alone, and no guard takes it', async () => {
      const own = await world.createClient({ id: 'own', scopes: ['openid', 'account:read'] });
      await world.heard();
      await world.createPerson('nobody@self.example', 'Noor Nobody', {});
      const browser = await world.signIn('nobody@self.example');
      const { body } = await world.exchange(
        own,
        await world.code(own, browser, { scope: 'openid account:read' }),
      );
      const token = String(body['access_token']);
      expect(claimsOf(token)).not.toHaveProperty('organization_id');
      for (const path of ['/api/read', '/api/licensed', '/api/export']) {
        for (const init of [{}, { headers: headersNaming(a) }]) {
          expect((await ask(token, path, init)).status).toBe(401);
        }
      }
    });

    it('a switch from A to B and back in one session reuses no decision, one after the other and all at once', async () => {
      const browser = await world.signIn('both@partners.example');
      const tokenA = await tokenFor(browser, a);
      expect(await ask(tokenA, '/api/export')).toEqual(OK);
      const tokenB = await tokenFor(browser, b);
      const denied = { status: 403, code: 'FEATURE_NOT_INCLUDED' };
      expect(await ask(tokenB, '/api/export')).toEqual(denied);
      expect(await ask(tokenA, '/api/export')).toEqual(OK);
      const mixed = await Promise.all(
        Array.from({ length: 40 }, (_, index) => ask(index % 2 ? tokenB : tokenA, '/api/export')),
      );
      mixed.forEach((answer, index) => expect(answer).toEqual(index % 2 ? denied : OK));
      // a guard that begins with both at once
      await module.stop();
      module = await startModule(
        { issuer: line.url },
        { clientId: client.id, clientSecret: client.secret ?? '', moduleUrl: MODULE_URL },
      );
      const cold = await Promise.all(
        Array.from({ length: 40 }, (_, index) => ask(index % 2 ? tokenB : tokenA, '/api/export')),
      );
      cold.forEach((answer, index) => expect(answer).toEqual(index % 2 ? denied : OK));
    });
  });
});
