import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SeatLeases, type Principal } from '@core-auth/module-kit';
import { CatalogRepository } from '#licensing';
import { SessionRepository } from '#sessions';
import { Database, sql } from '#platform';
import { eventually } from '../support/answers.js';
import { claimsOf, type World } from '../support/world.js';
import { AdministrationWorld } from '../licensing/administration/administration-world.js';
import { CLIENT, FakeCoreAuth, licensedSnapshot, ORGANIZATION, USER } from './fake-core-auth.js';
import { startModule, type GuardedModule } from './guarded-module.js';

async function ask(module: GuardedModule, token: string, path = '/api/licensed') {
  const response = await fetch(module.url + path, { headers: { authorization: `Bearer ${token}` } });
  const body = (await response.json()) as { code?: string; detail?: string };
  return { status: response.status, ...body };
}

describe('floating seats in a module guard beside the real server', () => {
  let admin: AdministrationWorld;
  let world: World;
  let module: GuardedModule;
  let licenseId: string;
  const options = () => {
    const { id, secret } = world.client(CLIENT.id);
    const moduleUrl = 'https://projects.example';
    return { clientId: id, clientSecret: secret ?? '', moduleUrl, streamSilenceMs: 60_000 };
  };

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
    world = admin.world;
    await world.licenses.changeStatus(world.id('license:acme:projects'), 'cancelled', 'test');
    licenseId = await world.license('acme', 'projects', {
      seatModel: 'floating',
      seatLimit: 1,
      leaseSeconds: 90,
    });
  }, 60_000);
  afterAll(() => world.stop());
  beforeEach(async () => {
    module = await startModule({ issuer: world.url }, options());
    await module.listening();
  });
  afterEach(async () => {
    await module.stop();
    await database().query(sql`DELETE FROM seat_leases`);
  });

  const database = () => world.app.get(Database);
  const tokenOf = async (email: string) => (await world.signedInClient(email)).tokens.access_token;
  const held = async () =>
    database().query<{ user_id: string; device: string; fence: string; expires_at: Date }>(sql`
      SELECT user_id, device, fence, expires_at FROM seat_leases
       WHERE license_id = ${licenseId} AND expires_at > now()`);
  const taken = async () => {
    const [row] = await database().query<{ count: string }>(sql`
      SELECT count(*) FROM audit_events WHERE act = 'seat.lease' AND target = ${licenseId}`);
    return Number(row?.count);
  };

  it('are taken on coming, once however many ask, and refused when all are in use', async () => {
    const member = await tokenOf('member@acme.example');
    const before = await taken();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(module, member)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await taken()).toBe(before + 1);
    expect(await held()).toMatchObject([{ device: claimsOf(member)['sid'] }]);
    const refused = await ask(module, await tokenOf('owner@acme.example'));
    expect(refused).toMatchObject({ status: 403, code: 'SEATS_EXHAUSTED' });
    expect(refused.detail).toMatch(/^All seats for Projects are in use/);
  });

  it('are renewed after a third of the term by who is active, and by nobody else', async () => {
    const seats = (limit: number) =>
      database().query(sql`UPDATE license_terms SET seat_limit = ${limit} WHERE license_id = ${licenseId}`);
    await seats(2);
    const [member, owner] = [await tokenOf('member@acme.example'), await tokenOf('owner@acme.example')];
    await ask(module, member);
    await ask(module, owner);
    // as if the terms had nearly run out, by the database's clock
    await database().query(sql`UPDATE seat_leases SET expires_at = now() + interval '10 seconds'`);
    const seconds = async (token: string) => {
      const lease = (await held()).find(({ device }) => device === claimsOf(token)['sid']);
      return (lease?.expires_at.getTime() ?? 0) - Date.now();
    };
    module.clock.aheadMs += 29_000;
    await ask(module, member);
    expect(await seconds(member)).toBeLessThan(11_000);
    const before = await taken();
    module.clock.aheadMs += 1500;
    const renewed = async () => ((await seconds(member)) > 80_000 ? true : undefined);
    await eventually(renewed, 'the renewal');
    // looked at together with the other, and left to its end: nothing was asked for since it was taken
    expect(await seconds(owner)).toBeLessThan(11_000);
    expect(await taken()).toBe(before);
    await seats(1);
  });

  it('that were lost are taken anew under a higher fence number, or refused once another has them', async () => {
    const member = await tokenOf('member@acme.example');
    const owner = await tokenOf('owner@acme.example');
    await ask(module, member);
    const first = Number((await held())[0]?.fence);
    const lose = () => database().query(sql`UPDATE seat_leases SET expires_at = now() - interval '1 second'`);
    await lose();
    module.clock.aheadMs += 90_001;
    expect((await ask(module, member)).status).toBe(200);
    expect(Number((await held())[0]?.fence)).toBe(first + 1);
    await lose();
    expect((await ask(module, owner)).status).toBe(200);
    module.clock.aheadMs += 90_001;
    expect(await ask(module, member)).toMatchObject({ status: 403, code: 'SEATS_EXHAUSTED' });
  });

  it('are held once by two processes of the module, and neither takes it from the other', async () => {
    const beside = await startModule({ issuer: world.url }, options());
    try {
      await beside.listening();
      const member = await tokenOf('member@acme.example');
      const before = await taken();
      expect((await ask(module, member)).status).toBe(200);
      expect((await ask(beside, member)).status).toBe(200);
      expect(await held()).toHaveLength(1);
      expect(await taken()).toBe(before + 1);
    } finally {
      await beside.stop();
    }
  });

  it('are given back when the session ends', async () => {
    const member = await tokenOf('member@acme.example');
    await ask(module, member);
    expect(await held()).toHaveLength(1);
    await world.app.get(SessionRepository).end(String(claimsOf(member)['sid']), 'test');
    await eventually(async () => ((await held()).length === 0 ? true : undefined), 'the seat');
    expect(module.app.get(SeatLeases).size).toBe(0);
  });

  it('stay with who works at another process of the module when one of them stops', async () => {
    const beside = await startModule({ issuer: world.url }, options());
    await beside.listening();
    const member = await tokenOf('member@acme.example');
    expect((await ask(beside, member)).status).toBe(200);
    expect((await ask(module, member)).status).toBe(200);
    await beside.stop();
    expect(await held()).toHaveLength(1);
    expect(await ask(module, await tokenOf('owner@acme.example'))).toMatchObject({ code: 'SEATS_EXHAUSTED' });
    expect((await ask(module, member)).status).toBe(200);
  });

  it('that an administrator ends are gone with the next request, not with the next heartbeat', async () => {
    const member = await tokenOf('member@acme.example');
    expect((await ask(module, member)).status).toBe(200);
    const fence = (await held())[0]?.fence ?? '';
    const ended = await admin.operate('DELETE', `/v1/licenses/${licenseId}/leases/${fence}`);
    expect(ended.status).toBe(204);
    // another was waiting for it
    const owner = await tokenOf('owner@acme.example');
    expect((await ask(module, owner)).status).toBe(200);
    const refused = async () => ((await ask(module, member)).code === 'SEATS_EXHAUSTED' ? true : undefined);
    // no heartbeat is due for 30 s
    await eventually(refused, 'the refusal');
    expect((await ask(module, owner)).status).toBe(200);
    expect(await held()).toMatchObject([{ user_id: world.id('owner@acme.example') }]);
  });

  it('of a license are taken beside one that lets everybody in: adding that one took nothing away', async () => {
    const plan = await world.app
      .get(CatalogRepository)
      .createPlanVersion({ planKey: 'bare', name: 'Bare', moduleKey: 'projects', features: {} }, 'test');
    const [member, owner] = [await tokenOf('member@acme.example'), await tokenOf('owner@acme.example')];
    const basic = await world.license('acme', 'projects', { planVersionId: plan.id });
    try {
      expect((await ask(module, owner)).status).toBe(200);
      expect(await held()).toEqual([]);
      expect((await ask(module, member, '/api/export')).status).toBe(200);
      expect(await held()).toMatchObject([{ device: claimsOf(member)['sid'] }]);
      expect(await ask(module, owner, '/api/export')).toMatchObject({ status: 403, code: 'SEATS_EXHAUSTED' });
      expect((await ask(module, owner)).status).toBe(200);
    } finally {
      await world.licenses.changeStatus(basic, 'cancelled', 'test');
    }
  });

  it('of two licenses are held side by side by who needs a feature that one of them alone has', async () => {
    const plan = await world.app
      .get(CatalogRepository)
      .createPlanVersion({ planKey: 'plain', name: 'Plain', moduleKey: 'projects', features: {} }, 'test');
    const member = await tokenOf('member@acme.example');
    const plain = await world.license('acme', 'projects', {
      ...{ planVersionId: plan.id, seatModel: 'floating', seatLimit: 1, endsAt: null },
    });
    const seatsOf = async (license: string) =>
      (await database().query(sql`SELECT FROM seat_leases WHERE license_id = ${license}`)).length;
    try {
      await world.licenses.changeStatus(licenseId, 'suspended', 'test');
      expect((await ask(module, member)).status).toBe(200);
      await world.licenses.changeStatus(licenseId, 'issued', 'test');
      const exports = async () =>
        (await ask(module, member, '/api/export')).status === 200 ? true : undefined;
      await eventually(exports, 'the feature');
      expect([await seatsOf(plain), await seatsOf(licenseId)]).toEqual([1, 1]);
      expect(module.app.get(SeatLeases).size).toBe(2);
    } finally {
      await world.licenses.changeStatus(plain, 'cancelled', 'test');
    }
  });

  it('are taken by nobody whose license is suspended', async () => {
    const member = await tokenOf('member@acme.example');
    const before = await taken();
    await world.licenses.changeStatus(licenseId, 'suspended', 'test');
    try {
      const answer = async () => ((await ask(module, member)).code === 'SUSPENDED' ? true : undefined);
      await eventually(answer, 'the suspension');
      expect(await taken()).toBe(before);
    } finally {
      await world.licenses.changeStatus(licenseId, 'issued', 'test');
    }
  });
});

describe('floating seats while Core Auth does not lease', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;

  beforeEach(async () => {
    core = await FakeCoreAuth.start();
    const effectiveAt = '2020-01-01T00:00:00.000Z';
    const terms = {
      effectiveAt,
      seatModel: 'floating',
      seatLimit: 1,
      surplusUntil: null,
      features: {},
    } as const;
    core.snapshot = licensedSnapshot({ terms: [terms] });
    // a busy machine is no Core Auth that does not answer
    module = await startModule(core, { requestTimeoutMs: 20_000 });
    await module.listening();
  });
  afterEach(async () => {
    await module.stop();
    await core.stop();
  });

  it('nobody can tell: 503, and Core Auth is asked once a second for each person', async () => {
    core.down.add('/v1/leases');
    const token = await core.accessToken(module.url);
    for (let request = 0; request < 5; request += 1) {
      expect(await ask(module, token)).toMatchObject({ status: 503, code: 'CHECK_UNAVAILABLE' });
    }
    expect(core.count('/v1/leases')).toBe(1);
    module.clock.aheadMs += 1001;
    await ask(module, token);
    expect(core.count('/v1/leases')).toBe(2);
  });

  const HEARTBEAT = '/v1/leases/license.1/heartbeat';

  it.each([
    ['seat-released', USER],
    ['license-changed', ORGANIZATION],
  ])('after %s the seat is asked about before the next yes, once for each event', async (kind, subject) => {
    const token = await core.accessToken(module.url);
    expect((await ask(module, token)).status).toBe(200);
    expect(core.count(HEARTBEAT)).toBe(0);
    core.publish(kind, subject);
    const asked = async () => {
      expect((await ask(module, token)).status).toBe(200);
      return core.count(HEARTBEAT) > 0 ? true : undefined;
    };
    await eventually(asked, 'the question');
    for (let request = 0; request < 5; request += 1) await ask(module, token);
    expect(core.count(HEARTBEAT)).toBe(1);
  });

  it('a seat that may have been ended is no yes while nobody can tell, and none once it was', async () => {
    const token = await core.accessToken(module.url);
    expect((await ask(module, token)).status).toBe(200);
    core.down.add(HEARTBEAT);
    core.publish('seat-released', USER);
    const unavailable = async () => ((await ask(module, token)).status === 503 ? true : undefined);
    await eventually(unavailable, 'the doubt');
    expect(await ask(module, token)).toMatchObject({ status: 503, code: 'CHECK_UNAVAILABLE' });
    core.down.clear();
    core.lease.live = false;
    module.clock.aheadMs += 1001;
    // it takes one anew, under the next fence number
    expect((await ask(module, token)).status).toBe(200);
    expect(core.lease).toEqual({ fence: 2, live: true });
  });

  it('the seats of others are not asked about when one is released or taken', async () => {
    const token = await core.accessToken(module.url);
    expect((await ask(module, token)).status).toBe(200);
    core.publish('seat-released', randomUUID());
    core.publish('seat-assigned', USER);
    core.publish('seat-released', USER, new Date(), randomUUID());
    const before = core.count('/v1/licenses/snapshot');
    const dropped = async () => {
      expect((await ask(module, token)).status).toBe(200);
      return core.count('/v1/licenses/snapshot') > before ? true : undefined;
    };
    await eventually(dropped, 'the news');
    expect(core.count(HEARTBEAT)).toBe(0);
  });

  it('a seat is asked about after 4 s when no news can come, and stays to its end when nobody answers', async () => {
    const token = await core.accessToken(module.url);
    expect((await ask(module, token)).status).toBe(200);
    core.streaming = false;
    module.clock.aheadMs += 3000;
    expect((await ask(module, token)).status).toBe(200);
    expect(core.count(HEARTBEAT)).toBe(0);
    module.clock.aheadMs += 1900;
    expect((await ask(module, token)).status).toBe(200);
    expect(core.count(HEARTBEAT)).toBe(1);
    core.down.add(HEARTBEAT);
    module.clock.aheadMs += 4100;
    expect((await ask(module, token)).status).toBe(200);
    core.down.clear();
    core.lease.live = false;
    module.clock.aheadMs += 4100;
    await ask(module, token);
    expect(core.lease.fence).toBe(2);
  });

  it('of more people than a process remembers it forgets who was away longest, gives nothing back, and asks anew', async () => {
    const token = await core.accessToken(module.url);
    expect((await ask(module, token)).status).toBe(200);
    const leases = module.app.get(SeatLeases);
    const person = (id: string): Principal => ({
      ...{ subject: id, clientId: CLIENT.id, scopes: new Set<string>(), permissions: new Set<string>() },
      ...{ user: { id, roles: [] }, organization: { id: ORGANIZATION, key: 'acme' }, accessToken: '' },
    });
    const active = person('active');
    await leases.take(active, ['license']);
    for (let first = 0; first < 10_000; first += 100) {
      leases.touch(active);
      const others = Array.from({ length: 100 }, (_, index) => person(`person-${first + index}`));
      await Promise.all(others.map((other) => leases.take(other, ['license'])));
    }
    expect(leases.size).toBe(10_000);
    expect(leases.leaseOf(active)).toBeDefined();
    expect(leases.leaseOf(person('person-0'))).toBeUndefined();
    expect(leases.leaseOf(person('person-9999'))).toBeDefined();
    const asked = core.count('/v1/leases');
    expect((await ask(module, token)).status).toBe(200);
    expect(core.count('/v1/leases')).toBe(asked + 1);
    expect([...core.asked.keys()].filter((path) => /^\/v1\/leases\/[^/]+$/.test(path))).toEqual([]);
  }, 60_000);
});
