import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { CatalogRepository, LicenseRepository, UsageRepository } from '#licensing';
import { Database, sql } from '#platform';
import { TestClock } from '../../support/test-clock.js';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

describe('usage export over HTTP', () => {
  let admin: AdministrationWorld;
  const licenses: Record<string, string> = {};

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
    const catalog = admin.world.app.get(CatalogRepository);
    for (const key of ['pages', 'prints']) {
      await catalog.createFeature({ moduleKey: 'reports', key, type: 'metered', combine: 'sum' }, 'test');
    }
    const { id: planVersionId } = await catalog.createPlanVersion(
      { planKey: 'metered', name: 'Metered', moduleKey: 'reports', features: { pages: 10, prints: 10 } },
      'test',
    );
    for (const organization of ['acme', 'globex']) {
      licenses[organization] = await admin.issued({
        ...{ organization_id: admin.world.id(organization), plan_version_id: planVersionId },
        ...{ seat_model: 'unlimited', seat_limit: null, overage: 'allow' },
      });
    }
    const use = (organization: string, feature: string, amount: number) =>
      admin.world.app.get(UsageRepository).record({
        organizationId: admin.world.id(organization),
        ...{ module: 'reports', feature, amount, idempotencyKey: randomUUID(), userId: null },
        clientId: 'reports',
      });
    await use('acme', 'pages', 7);
    await use('acme', 'pages', 8);
    await use('acme', 'prints', 2);
    await use('globex', 'pages', 1);
  });
  afterAll(() => admin.stop());

  const ALWAYS = 'from=2026-01-01T00:00:00Z&to=2999-01-01T00:00:00Z';
  const asOwner = async (query: string) =>
    admin.call('GET', `/v1/usage/export?${query}`, { token: await admin.owner });

  it('has each counter with what of it was beyond the limit', async () => {
    const { status, body } = await asOwner(ALWAYS);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      usage: [
        { license_id: licenses['acme'], feature: 'pages', used: 15, overage: 5 },
        { license_id: licenses['acme'], feature: 'prints', used: 2, overage: 0 },
      ],
      next_cursor: null,
    });
  });

  it('tells the days of one license, those without use too, and its present period', async () => {
    const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
    const ask = async (query: string) =>
      admin.call('GET', `/v1/licenses/${licenses['acme']}/usage?${query}`, { token: await admin.owner });
    const { status, body } = await ask(`feature=pages&from=${day(-2)}&to=${day(1)}`);
    expect([status, body['feature'], body['time_zone']]).toEqual([200, 'pages', 'UTC']);
    const days = body['days'] as { day: string; used: number }[];
    expect(days.map((one) => one.day)).toEqual([-2, -1, 0, 1].map(day));
    expect(days.reduce((sum, { used }) => sum + used, 0)).toBe(15);
    expect(body['present']).toMatchObject({ used: 15, limit: 10 });
    const wrong = [
      [`feature=pages&from=${day(1)}&to=${day(0)}`, 400, 'invalid_range'],
      ['feature=pages&from=2020-01-01&to=2026-01-01', 400, 'invalid_range'],
      ['feature=pages&from=2026-02-30&to=2026-03-01', 400, 'invalid_range'],
      [`feature=pages&from=today&to=${day(0)}`, 400, 'invalid_request'],
      [`feature=no-such&from=${day(0)}&to=${day(0)}`, 404, 'unknown_feature'],
    ] as const;
    for (const [query, code, name] of wrong) {
      const refused = await ask(query);
      expect([query, refused.status, refused.body['code']]).toEqual([query, code, name]);
    }
    const foreign = await admin.call(
      'GET',
      `/v1/licenses/${licenses['globex']}/usage?feature=pages&from=${day(0)}&to=${day(0)}`,
      { token: await admin.owner },
    );
    expect([foreign.status, foreign.body['code']]).toEqual([404, 'unknown_license']);
  });

  it("is of everybody for an operator and of its own for an organization's owner", async () => {
    const of = (body: Record<string, unknown>) =>
      new Set((body['usage'] as { license_id: string }[]).map((line) => line.license_id));
    const all = await admin.operate('GET', `/v1/usage/export?${ALWAYS}`);
    expect(of(all.body)).toEqual(new Set([licenses['acme'], licenses['globex']]));
    expect(of((await asOwner(ALWAYS)).body)).toEqual(new Set([licenses['acme']]));
    const foreign = await asOwner(`${ALWAYS}&license_id=${String(licenses['globex'])}`);
    expect(foreign.body['usage']).toEqual([]);
    expect((await asOwner(`${ALWAYS}&organization_id=${admin.world.id('globex')}`)).status).toBe(404);
  });

  it('RFC 4180, RFC 8288: comes as CSV in pages that Link headers lead through', async () => {
    const lines: string[] = [];
    let path = `/v1/usage/export?${ALWAYS}&format=csv&limit=1`;
    for (let pages = 0; path !== '' && pages < 5; pages += 1) {
      const response = await fetch(`${admin.world.url}${path}`, {
        headers: { authorization: `Bearer ${await admin.owner}` },
      });
      expect(response.headers.get('content-type')).toMatch(/^text\/csv/);
      const [header, ...rest] = (await response.text()).trimEnd().split('\r\n');
      expect(header).toBe(
        'organization_id,module,license_id,feature,period_starts_at,period_ends_at,used,overage',
      );
      lines.push(...rest);
      path = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] ?? '';
    }
    expect(lines.map((line) => line.split(',').filter((_, index) => [3, 6, 7].includes(index)))).toEqual([
      ['pages', '15', '5'],
      ['prints', '2', '0'],
    ]);
  });

  it('RFC 4180: comes as CSV whole, in one answer, when there are more lines than are read at a time', async () => {
    await admin.world.app.get(Database).query(sql`
      INSERT INTO usage_counters (license_id, feature_key, period_starts_at, period_ends_at, used, overage)
      SELECT ${licenses['acme']}, 'pages', starts, starts + interval '1 hour', number, 0
        FROM generate_series(1, 1203) AS number,
             LATERAL (SELECT '2019-01-01T00:00:00Z'::timestamptz + number * interval '1 hour' AS starts) AS hours`);
    const range = 'from=2019-01-01T00:00:00Z&to=2020-01-01T00:00:00Z&format=csv';
    const response = await fetch(`${admin.world.url}/v1/usage/export?${range}`, {
      headers: { authorization: `Bearer ${await admin.owner}` },
    });
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(response.headers.get('link')).toBeNull();
    const lines = (await response.text()).trimEnd().split('\r\n').slice(1);
    expect(lines.map((line) => Number(line.split(',')[6]))).toEqual(
      Array.from({ length: 1203 }, (_, index) => index + 1),
    );
  });

  it('has in its lines, together, what the counters and the single uses have', async () => {
    const response = await fetch(`${admin.world.url}/v1/usage/export?${ALWAYS}&format=csv`, {
      headers: { authorization: `Bearer ${await admin.operator}` },
    });
    const lines = (await response.text()).trimEnd().split('\r\n').slice(1);
    const exported = lines.reduce((sum, line) => sum + Number(line.split(',')[6]), 0);
    const [kept] = await admin.world.app.get(Database).query(sql`
      SELECT (SELECT sum(used)::int FROM usage_counters WHERE period_starts_at >= '2026-01-01Z') AS counted,
             (SELECT sum(amount)::int FROM usage_events) AS told`);
    expect(kept).toEqual({ counted: exported, told: exported });
    expect(exported).toBe(18);
  });

  it('has each counter once in exports that follow each other, the one that starts at their border too', async () => {
    const counter = (start: string, used: number) =>
      admin.world.app.get(Database).query(sql`
        INSERT INTO usage_counters (license_id, feature_key, period_starts_at, period_ends_at, used, overage)
        VALUES (${licenses['acme']}, 'pages', ${start}, ${start}::timestamptz + interval '31 days', ${used}, 0)`);
    await counter('2018-01-01T00:00:00Z', 1);
    await counter('2018-02-01T00:00:00Z', 2);
    await counter('2018-03-01T00:00:00Z', 4);
    for (const format of ['json', 'csv']) {
      const of = async (from: string, to: string) => {
        const response = await fetch(
          `${admin.world.url}/v1/usage/export?from=${from}T00:00:00Z&to=${to}T00:00:00Z&format=${format}`,
          { headers: { authorization: `Bearer ${await admin.owner}` } },
        );
        const text = await response.text();
        if (format === 'csv') {
          const lines = text.trimEnd().split('\r\n').slice(1);
          return lines.map((line) => Number(line.split(',')[6]));
        }
        return (JSON.parse(text) as { usage: { used: number }[] }).usage.map(({ used }) => used);
      };
      expect([await of('2017-12-01', '2018-02-01'), await of('2018-02-01', '2018-12-01')]).toEqual([
        [1],
        [2, 4],
      ]);
    }
  });

  it('leaves out what is of another feature, or of another time', async () => {
    const prints = await asOwner(`${ALWAYS}&feature=prints&module=reports`);
    expect(prints.body['usage']).toHaveLength(1);
    const before = await asOwner('from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z');
    expect(before.body['usage']).toEqual([]);
  });

  it('has past periods, which are those of the time zone of the license', async () => {
    const { app } = admin.world;
    const [feature, moduleKey] = ['renders', 'reports'];
    const catalog = app.get(CatalogRepository);
    await catalog.createFeature({ moduleKey, key: feature, type: 'metered', combine: 'sum' }, 'test');
    const { id: planVersionId } = await catalog.createPlanVersion(
      { planKey: 'rendering', name: 'Rendering', moduleKey, features: { renders: 100 } },
      'test',
    );
    await admin.issued({
      ...{ plan_version_id: planVersionId, time_zone: 'Europe/Berlin' },
      ...{ seat_model: 'unlimited', seat_limit: null },
    });
    const clock = new TestClock(new Date(0));
    const uses = new UsageRepository(app.get(Database), app.get(LicenseRepository), clock);
    for (const [at, amount] of [
      ['2026-01-31T22:59:59Z', 1],
      ['2026-01-31T23:00:00Z', 2],
      ['2026-02-28T12:00:00Z', 4],
      ['2026-03-10T12:00:00Z', 8],
    ] as const) {
      clock.set(new Date(at));
      const answer = await uses.record({
        ...{ organizationId: admin.world.id('acme'), module: moduleKey, feature, amount },
        ...{ idempotencyKey: randomUUID(), userId: null, clientId: 'reports' },
      });
      expect(answer.allow).toBe(true);
    }
    const { body } = await asOwner('from=2025-01-01T00:00:00Z&to=2026-04-01T00:00:00Z&feature=renders');
    const lines = body['usage'] as { used: number; period_starts_at: string; period_ends_at: string }[];
    expect(lines.map((line) => [line.used, line.period_starts_at, line.period_ends_at])).toEqual([
      [1, '2025-12-31T23:00:00.000Z', '2026-01-31T23:00:00.000Z'],
      [6, '2026-01-31T23:00:00.000Z', '2026-02-28T23:00:00.000Z'],
      [8, '2026-02-28T23:00:00.000Z', '2026-03-31T22:00:00.000Z'],
    ]);
  });

  it.each([
    ['no range', '', 'invalid_request'],
    [
      'a range that ends before it starts',
      'from=2027-01-01T00:00:00Z&to=2026-01-01T00:00:00Z',
      'invalid_range',
    ],
    ['an instant without a zone', 'from=2026-01-01&to=2027-01-01', 'invalid_request'],
    ['a cursor of nothing', `${ALWAYS}&cursor=x_y_z`, 'invalid_request'],
    ['another format', `${ALWAYS}&format=xml`, 'invalid_request'],
  ])('refuses %s', async (_, query, code) => {
    const { status, body } = await asOwner(query);
    expect([status, body['code']]).toEqual([400, code]);
  });
});
