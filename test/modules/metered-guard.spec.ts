import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { CatalogRepository, UsageReportRepository } from '#licensing';
import { World } from '../support/world.js';
import { CLIENT, FakeCoreAuth, licensedSnapshot } from './fake-core-auth.js';
import { handled, startModule, type GuardedModule } from './guarded-module.js';

interface Told {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

interface Sent {
  method?: string;
  path?: string;
  key?: string;
  body?: unknown;
}

async function ask(
  module: GuardedModule,
  token: string,
  { method = 'GET', path = '/api/rendered', key, body: sent }: Sent = {},
): Promise<Told> {
  const response = await fetch(module.url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body };
}
const post = (key?: string) => ({
  method: 'POST',
  path: '/api/renders',
  ...(key === undefined ? {} : { key }),
});

describe('a metered route beside the real server', () => {
  const LIMIT = 8;
  let world: World;
  let module: GuardedModule;
  let member: string;
  let owner: string;

  beforeAll(async () => {
    world = await World.start();
    const catalog = world.app.get(CatalogRepository);
    await catalog.createFeature(
      { moduleKey: 'projects', key: 'renders', type: 'metered', combine: 'sum', period: 'year' },
      'test',
    );
    const plan = await catalog.createPlanVersion(
      { planKey: 'renders', name: 'Renders', moduleKey: 'projects', features: { renders: LIMIT } },
      'test',
    );
    await world.license('acme', 'projects', { planVersionId: plan.id });
    const { id, secret } = world.client(CLIENT.id);
    module = await startModule(
      { issuer: world.url },
      {
        clientId: id,
        clientSecret: secret ?? '',
        moduleUrl: 'https://projects.example',
        streamSilenceMs: 5000,
      },
    );
    await module.listening();
    member = (await world.signedInClient('member@acme.example')).tokens.access_token;
    owner = (await world.signedInClient('owner@acme.example')).tokens.access_token;
  }, 60_000);
  afterAll(async () => {
    await module.stop();
    await world.stop();
  });
  const used = async () =>
    (await world.app.get(UsageReportRepository).present(world.id('acme'), 'projects', 'renders')).used;

  it('counts each request, says what is left, and refuses before the handler once it is used up', async () => {
    const first = await ask(module, member);
    expect([first.status, first.body]).toEqual([200, { used: 1, remaining: LIMIT - 1 }]);
    expect(first.headers.get('ratelimit-policy')).toBe(`"renders";q=${LIMIT}`);
    expect(first.headers.get('ratelimit')).toMatch(new RegExp(`^"renders";r=${LIMIT - 1};t=\\d+$`));
    expect(await used()).toBe(1);

    const key = randomUUID();
    const runs = handled.renders;
    const answers = [await ask(module, member, post(key)), await ask(module, member, post(key))];
    expect(answers.map(({ status }) => status)).toEqual([201, 409]);
    expect(answers[0]?.body).toEqual({ used: 3, remaining: LIMIT - 3 });
    expect(answers[1]?.body).toMatchObject({ code: 'ALREADY_COUNTED', status: 409 });
    // what was counted once was given once
    expect([await used(), handled.renders]).toEqual([3, runs + 1]);
    // another person's key is another key, and so is the same one somewhere else
    expect((await ask(module, owner, post(key))).status).toBe(201);
    expect((await ask(module, member, { ...post(key), path: '/api/renders?again' })).status).toBe(201);
    expect(await used()).toBe(7);
    expect(handled.renders).toBe(runs + 3);

    const refused = await ask(module, member, post());
    expect(refused.status).toBe(429);
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(refused.headers.get('ratelimit')).toMatch(/^"renders";r=1;t=\d+$/);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.body).toMatchObject({ code: 'QUOTA_EXCEEDED', feature: 'renders', limit: LIMIT, used: 7 });
    expect(handled.renders).toBe(runs + 3);
    expect(await used()).toBe(7);
  });

  it('takes no key for reading, so that nobody reads again and again for nothing', async () => {
    const before = await used();
    const key = randomUUID();
    expect((await ask(module, member, { key })).status).toBe(200);
    expect((await ask(module, member, { key })).status).toBe(429);
    expect(await used()).toBe(before + 1);
  });

  it('counts nothing for whom something else is missing', async () => {
    const before = await used();
    const { tokens } = await world.signedInClient('admin@globex.example');
    expect(await ask(module, tokens.access_token)).toMatchObject({
      status: 403,
      body: { code: 'FEATURE_NOT_INCLUDED' },
    });
    expect(await used()).toBe(before);
  });
});

describe('a metered route beside a server with faults', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;
  let token: string;

  beforeEach(async () => {
    core = await FakeCoreAuth.start();
    core.snapshot = licensedSnapshot({ features: { renders: 10, export: true } });
    module = await startModule(core);
    await module.listening();
    token = await core.accessToken(module.url);
  });
  afterEach(async () => {
    await module.stop();
    await core.stop();
  });

  it('refuses with CHECK_UNAVAILABLE when it cannot count, though the license would allow', async () => {
    expect((await ask(module, token)).status).toBe(200);
    core.down.add('/v1/usage');
    const runs = handled.renders;
    const refused = await ask(module, token, post());
    expect([refused.status, refused.body['code']]).toEqual([503, 'CHECK_UNAVAILABLE']);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(handled.renders).toBe(runs);
    core.down.clear();
    expect((await ask(module, token, post())).status).toBe(201);
  });

  it('asks once more for an answer that was lost, and counts once', async () => {
    core.loseUsageAnswers = 1;
    expect((await ask(module, token)).status).toBe(200);
    expect(core.count('/v1/usage')).toBe(2);
    expect(core.quota.used).toBe(1);
  });

  it.each(['a, b', 'x'.repeat(256)])('refuses the key %s and counts nothing', async (key) => {
    const { status, body } = await ask(module, token, post(key));
    expect([status, body['code']]).toEqual([400, 'INVALID_IDEMPOTENCY_KEY']);
    expect(core.quota.used).toBe(0);
  });

  it('refuses a key that was counted before, though the first answer about it is lost', async () => {
    const key = randomUUID();
    const runs = handled.renders;
    core.loseUsageAnswers = 1;
    expect((await ask(module, token, post(key))).status).toBe(201);
    core.loseUsageAnswers = 1;
    const again = await ask(module, token, post(key));
    expect([again.status, again.body['code']]).toEqual([409, 'ALREADY_COUNTED']);
    expect([core.count('/v1/usage'), core.quota.used, handled.renders]).toEqual([4, 2, runs + 1]);
  });

  it('of requests under one key that come at once lets one in', async () => {
    const key = randomUUID();
    const runs = handled.renders;
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(module, token, post(key))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    expect([core.quota.used, handled.renders]).toEqual([2, runs + 1]);
  });

  it('binds the key to the body: with another body it is another key', async () => {
    const key = randomUUID();
    const withBody = async (body: unknown) => (await ask(module, token, { ...post(key), body })).status;
    expect(await withBody({ page: 1, of: ['a'] })).toBe(201);
    expect(await withBody({ page: 1, of: ['a'] })).toBe(409);
    expect(await withBody({ page: 2, of: ['a'] })).toBe(201);
    expect((await ask(module, token, post(key))).status).toBe(201);
    expect(core.quota.used).toBe(6);
  });

  it('asks nobody when the license denies', async () => {
    core.snapshot = licensedSnapshot({ status: 'suspended', features: { renders: 10 } });
    expect(await ask(module, token)).toMatchObject({ status: 403, body: { code: 'SUSPENDED' } });
    expect(core.count('/v1/usage')).toBe(0);
  });
});
