import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { CatalogRepository } from '#licensing';
import { Database, sql } from '#platform';
import { WRONG_JSON } from '../support/bad-values.js';
import { answerOf, basic, World, type Answer, type TestClient } from '../support/world.js';

const LIMIT = 10;

describe('/v1/usage', () => {
  let world: World;
  let client: TestClient;
  beforeAll(async () => {
    world = await World.start();
    client = world.client('reports');
    const catalog = world.app.get(CatalogRepository);
    for (const [moduleKey, key] of [
      ['reports', 'renders'],
      ['projects', 'imports'],
    ] as const) {
      await catalog.createFeature(
        { moduleKey, key, type: 'metered', combine: 'sum', period: 'year' },
        'test',
      );
      const { id } = await catalog.createPlanVersion(
        { planKey: `with-${key}`, name: key, moduleKey, features: { [key]: LIMIT } },
        'test',
      );
      await world.license('acme', moduleKey, { planVersionId: id });
    }
  }, 60_000);
  afterAll(() => world.stop());

  const good = () => ({ organization_id: world.id('acme'), feature: 'renders', amount: 1 });
  interface Telling {
    readonly body?: unknown;
    readonly text?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly by?: TestClient;
  }
  const tell = async ({
    body = good(),
    text = JSON.stringify(body),
    headers = {},
    by = client,
  }: Telling = {}) =>
    answerOf(
      await fetch(`${world.url}/v1/usage`, {
        method: 'POST',
        headers: {
          authorization: basic(by),
          'content-type': 'application/json',
          'idempotency-key': randomUUID(),
          ...headers,
        },
        body: text,
      }),
    );
  const read = async (query: string, by = client) =>
    answerOf(await fetch(`${world.url}/v1/usage?${query}`, { headers: { authorization: basic(by) } }));
  const used = async () => {
    const [row] = await world.app.get(Database).query<{ used: string; recorded: string }>(sql`
      SELECT (SELECT COALESCE(sum(used), 0) FROM usage_counters) AS used,
             (SELECT count(*) FROM usage_events) AS recorded`);
    return { used: Number(row?.used), recorded: Number(row?.recorded) };
  };
  /** RFC 9457 §3 */
  const expectProblem = ({ status, headers, body }: Answer, wanted: number, code: string) => {
    expect([status, body['code']]).toEqual([wanted, code]);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      type: 'about:blank',
      title: expect.any(String),
      status: wanted,
      detail: expect.stringMatching(/\.$/),
    });
  };
  const expectNothingCounted = async (work: () => Promise<void>) => {
    const before = await used();
    await work();
    expect(await used()).toEqual(before);
  };

  it('counts a use, answers a retry with the same answer, and reads what was used', async () => {
    const year = world.clock.now().getUTCFullYear();
    const period = {
      period_starts_at: `${year}-01-01T00:00:00.000Z`,
      period_ends_at: `${year + 1}-01-01T00:00:00.000Z`,
    };
    const headers = { 'idempotency-key': randomUUID() };
    const first = await tell({ body: { ...good(), amount: 4 }, headers });
    expect(first.status).toBe(200);
    expect(first.headers.get('cache-control')).toBe('no-store');
    expect(first.body).toEqual({ allow: true, code: 'OK', used: 4, limit: LIMIT, ...period });
    const again = await tell({ body: { ...good(), amount: 4 }, headers });
    expect([again.status, again.body]).toEqual([200, { ...first.body, replayed: true }]);

    const present = await read(`organization_id=${world.id('acme')}&feature=renders`);
    expect(present.status).toBe(200);
    expect(present.body).toEqual({
      ...first.body,
      licenses: [{ license_id: expect.any(String), used: 4, limit: LIMIT, ...period }],
    });
  });

  it('tells who repeats their own request from who comes again with its key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const asked = async (request: object) => {
      const { status, body } = await tell({ body: { ...good(), ...request }, headers });
      return [status, body['replayed']];
    };
    const before = await used();
    expect(await asked({ request_id: 'first' })).toEqual([200, undefined]);
    expect(await asked({ request_id: 'first' })).toEqual([200, undefined]);
    expect(await asked({ request_id: 'second' })).toEqual([200, true]);
    expect(await asked({})).toEqual([200, true]);
    expect(await used()).toEqual({ used: before.used + good().amount, recorded: before.recorded + 1 });
    await expectNothingCounted(async () => {
      for (const request_id of ['', 'x'.repeat(129), 'a b', 7, null, {}]) {
        expectProblem(await tell({ body: { ...good(), request_id } }), 400, 'invalid_usage');
      }
    });
  });

  it('refuses what goes beyond the limit as a problem with status 429, and counts none of it', async () => {
    await expectNothingCounted(async () => {
      const refused = await tell({ body: { ...good(), amount: LIMIT + 1 } });
      expectProblem(refused, 429, 'QUOTA_EXCEEDED');
      expect(refused.body['detail']).toBe('What was bought for this period is used up.');
      expect(refused.body).toMatchObject({ allow: false, used: 5, limit: LIMIT });
    });
  });

  it('refuses an organization without a license, and a person who is none of its members', async () => {
    await expectNothingCounted(async () => {
      const globex = { ...good(), organization_id: world.id('globex') };
      expectProblem(await tell({ body: globex }), 403, 'NO_LICENSE');
      expectProblem(await tell({ body: { ...good(), user_id: randomUUID() } }), 404, 'unknown_user');
      const foreign = { ...good(), user_id: world.id('admin@globex.example') };
      expectProblem(await tell({ body: foreign }), 404, 'unknown_user');
    });
    const person = { ...good(), user_id: world.id('member@acme.example') };
    expect((await tell({ body: person })).status).toBe(200);
  });

  it('counts for the module of the client alone: the feature of another module is unknown', async () => {
    await expectNothingCounted(async () => {
      expectProblem(await tell({ body: { ...good(), feature: 'imports' } }), 404, 'unknown_feature');
      expectProblem(await tell({ by: world.client('projects') }), 404, 'unknown_feature');
      const asked = await tell({ body: { ...good(), feature: 'imports', module: 'projects' } });
      expectProblem(asked, 404, 'unknown_feature');
      expectProblem(await tell({ body: { ...good(), feature: 'export' } }), 400, 'not_metered');
      const foreign = await read(`organization_id=${world.id('acme')}&feature=imports`);
      expectProblem(foreign, 404, 'unknown_feature');
    });
  });

  it('asks for the authentication of a client, and of the client of a module', async () => {
    const outsider = await world.createClient({ id: `outsider-${randomUUID().slice(0, 8)}` });
    await expectNothingCounted(async () => {
      expectProblem(await tell({ by: outsider }), 403, 'access_denied');
      expectProblem(await tell({ headers: { authorization: 'Basic eDp5' } }), 401, 'invalid_client');
      expectProblem(await tell({ headers: { authorization: '' } }), 401, 'invalid_client');
      const query = `organization_id=${world.id('acme')}&feature=renders`;
      expectProblem(await read(query, outsider), 403, 'access_denied');
      expectProblem(await answerOf(await fetch(`${world.url}/v1/usage?${query}`)), 401, 'invalid_client');
    });
  });

  it('refuses a key that is missing, sent twice, too long or reused', async () => {
    const reused = randomUUID();
    await tell({ headers: { 'idempotency-key': reused } });
    await expectNothingCounted(async () => {
      for (const key of ['', 'a, b', 'x'.repeat(129), 'a b']) {
        expectProblem(await tell({ headers: { 'idempotency-key': key } }), 400, 'invalid_usage');
      }
      const twice = new Headers([
        ['authorization', basic(client)],
        ['content-type', 'application/json'],
        ['idempotency-key', randomUUID()],
        ['idempotency-key', randomUUID()],
      ]);
      const body = JSON.stringify(good());
      const sent = await fetch(`${world.url}/v1/usage`, { method: 'POST', headers: twice, body });
      expectProblem(await answerOf(sent), 400, 'invalid_usage');
      const other = { body: { ...good(), amount: 2 }, headers: { 'idempotency-key': reused } };
      expectProblem(await tell(other), 409, 'idempotency_key_reused');
    });
  });

  describe.each(['organization_id', 'feature', 'amount', 'user_id'])('the member %s', (member) => {
    it.each(Object.entries(WRONG_JSON))('as %s is refused', async (_, value) => {
      // these are whole numbers that can be counted
      if (member === 'amount' && value === 7) return;
      await expectNothingCounted(async () => {
        const { status, headers } = await tell({ body: { ...good(), [member]: value } });
        expect([400, 404]).toContain(status);
        expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
      });
    });

    it('left out is refused, unless it is user_id', async () => {
      const body = Object.fromEntries(Object.entries(good()).filter(([name]) => name !== member));
      if (member === 'user_id') return expect((await tell({ body })).status).toBe(200);
      await expectNothingCounted(async () => expectProblem(await tell({ body }), 400, 'invalid_usage'));
    });
  });

  it.each([
    ['2^53', '9007199254740992'],
    ['2^53+1', '9007199254740993'],
    ['beyond all', '1e999'],
    ['a text', '"1"'],
    ['zero', '0'],
    ['negative', '-0.5'],
    ['null', 'null'],
  ])('the amount %s is refused', async (_, amount) => {
    const text = JSON.stringify(good()).replace('"amount":1', `"amount":${amount}`);
    await expectNothingCounted(async () => expectProblem(await tell({ text }), 400, 'invalid_usage'));
  });

  it('refuses bodies that are no JSON object, or sent as something else', async () => {
    await expectNothingCounted(async () => {
      for (const text of ['{"organization_id":', '{"amount":NaN}', '', '{"__proto__":{"amount":1}}']) {
        expectProblem(await tell({ text }), 400, 'invalid_request');
      }
      for (const text of ['[]', 'null', '1', '"x"', '[{}]']) {
        expectProblem(await tell({ text }), 400, 'invalid_usage');
      }
      const form = new URLSearchParams({ ...good(), amount: '1' }).toString();
      const type = (name: string) => ({ 'content-type': name });
      expectProblem(
        await tell({ text: form, headers: type('application/x-www-form-urlencoded') }),
        400,
        'invalid_usage',
      );
      expectProblem(await tell({ headers: type('text/plain') }), 400, 'invalid_request');
    });
  });

  it('reading refuses parameters that are missing, repeated, malformed or unknown', async () => {
    const acme = `organization_id=${world.id('acme')}`;
    for (const query of [
      '',
      acme,
      'feature=renders',
      `${acme}&feature=`,
      `${acme}&${acme}&feature=renders`,
      `${acme}&feature=renders&feature=renders`,
      `${acme}&feature=Renders`,
      `${acme}&feature[]=renders`,
      'organization_id=acme&feature=renders',
    ]) {
      expectProblem(await read(query), 400, 'invalid_request');
    }
    const unknown = await read(`organization_id=${randomUUID()}&feature=renders`);
    expectProblem(unknown, 404, 'unknown_organization');
    expectProblem(await read(`${acme}&feature=constructor`), 404, 'unknown_feature');
    expectProblem(await read(`${acme}&feature=export`), 400, 'not_metered');
    expect((await read(`organization_id=${world.id('globex')}&feature=renders`)).body).toEqual({
      ...{ allow: false, code: 'NO_LICENSE', used: 0, limit: null },
      ...{ period_starts_at: null, period_ends_at: null, licenses: [] },
    });
    const body = { ...good(), organization_id: randomUUID() };
    expectProblem(await tell({ body }), 404, 'unknown_organization');
  });

  it('is limited by the same rate as the other endpoints of modules', async () => {
    const limited = await World.start({ env: { CORE_AUTH_RATE_LIMIT_TOKEN: '3' } });
    try {
      const ask = () => fetch(`${limited.url}/v1/usage`, { method: 'POST' });
      const statuses = [];
      for (let tries = 0; tries < 4; tries += 1) statuses.push((await ask()).status);
      expect(statuses).toEqual([401, 401, 401, 429]);
      expectProblem(await answerOf(await fetch(`${limited.url}/v1/usage`)), 429, 'too_many_requests');
    } finally {
      await limited.stop();
    }
  });
});
