import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { sql } from '#platform';
import { NOON, UsageWorld } from './usage-world.js';

describe('reports of use', () => {
  let usage: UsageWorld;
  let renders: string;
  let exportsKey: string;
  let license: string;
  let other: string;
  beforeAll(async () => {
    usage = await UsageWorld.create();
    renders = await usage.feature({ period: 'month' });
    exportsKey = await usage.feature({ period: 'day' });
    license = await usage.license(renders, 100, { timeZone: 'Europe/Berlin' });
    other = await usage.license(exportsKey, null, { timeZone: 'Europe/Berlin' });
    for (const [at, feature, amount] of [
      ['2026-01-31T22:59:59Z', renders, 1],
      ['2026-01-31T23:00:00Z', renders, 2],
      ['2026-02-28T12:00:00Z', renders, 4],
      ['2026-03-10T12:00:00Z', renders, 8],
      ['2026-03-28T22:59:59Z', exportsKey, 16],
      ['2026-03-28T23:00:00Z', exportsKey, 32],
      ['2026-03-29T21:59:59Z', exportsKey, 64],
      ['2026-03-29T22:00:00Z', exportsKey, 128],
    ] as const) {
      usage.clock.set(new Date(at));
      await usage.use(feature, amount);
    }
    usage.clock.set(NOON);
  });
  afterAll(() => usage.close());

  const organizationId = () => usage.world.organizationId;
  const collect = async (range: Parameters<UsageWorld['reports']['exportCsv']>[0]) => {
    const pieces: string[] = [];
    for await (const piece of usage.reports.exportCsv(range)) pieces.push(piece);
    return { pieces, text: pieces.join('') };
  };
  const all = { from: new Date('2020-01-01T00:00:00Z'), to: new Date('2030-01-01T00:00:00Z') };
  const lines = (text: string) => text.trimEnd().split('\r\n').slice(1);

  it('the present: used and limit of the period that is now, by license', async () => {
    expect(await usage.reports.present(organizationId(), 'reports', renders)).toEqual({
      ...{ allow: true, code: 'OK', used: 8, limit: 100 },
      periodStartsAt: new Date('2026-02-28T23:00:00.000Z'),
      periodEndsAt: new Date('2026-03-31T22:00:00.000Z'),
      licenses: [
        {
          ...{ licenseId: license, used: 8, limit: 100 },
          periodStartsAt: new Date('2026-02-28T23:00:00.000Z'),
          periodEndsAt: new Date('2026-03-31T22:00:00.000Z'),
        },
      ],
    });
    expect(await usage.counted(renders)).toEqual({ [license]: [1, 6, 8] });
  });

  it('past periods: by license and feature, the latest first, page by page', async () => {
    const { reports } = usage;
    const first = await reports.periods(organizationId(), { feature: renders, limit: 2 });
    expect(first.map(({ used }) => used)).toEqual([8, 6]);
    expect(first[0]).toEqual({
      ...{ licenseId: license, module: 'reports', feature: renders, used: 8 },
      periodStartsAt: new Date('2026-02-28T23:00:00.000Z'),
      periodEndsAt: new Date('2026-03-31T22:00:00.000Z'),
    });
    const before = first.at(-1)?.periodStartsAt ?? NOON;
    const rest = await reports.periods(organizationId(), { feature: renders, before });
    expect(rest.map(({ used }) => used)).toEqual([1]);
    const ofOther = await reports.periods(organizationId(), { licenseId: other });
    expect(ofOther.map(({ used }) => used)).toEqual([128, 96, 16]);
    expect(await reports.periods(organizationId(), { module: 'projects' })).toEqual([]);
    expect(await reports.periods(randomUUID())).toEqual([]);
  });

  it('a series: each day of the time zone once, also the one of 23 hours, days without use as 0', async () => {
    const days = { first: '2026-03-27', last: '2026-03-31', timeZone: 'Europe/Berlin' };
    expect(await usage.reports.series(organizationId(), 'reports', exportsKey, days)).toEqual([
      { day: '2026-03-27', used: 0 },
      { day: '2026-03-28', used: 16 },
      { day: '2026-03-29', used: 96 },
      { day: '2026-03-30', used: 128 },
      { day: '2026-03-31', used: 0 },
    ]);
    const utc = { ...days, timeZone: 'UTC' };
    const inUtc = await usage.reports.series(organizationId(), 'reports', exportsKey, utc);
    expect(inUtc.map(({ used }) => used)).toEqual([0, 48, 192, 0, 0]);
    const year = { first: '2025-01-01', last: '2026-02-04', timeZone: 'UTC' };
    expect(await usage.reports.series(organizationId(), 'reports', exportsKey, year)).toHaveLength(400);
  });

  it.each([
    ['longer than 400 days', '2025-01-01', '2026-02-05', 'UTC'],
    ['backwards', '2026-02-02', '2026-02-01', 'UTC'],
    ['from a day that is none', '2026-02-30', '2026-03-01', 'UTC'],
    ['of no days', 'today', 'tomorrow', 'UTC'],
    ['in an unknown time zone', '2026-02-01', '2026-02-02', 'Mars/Olympus'],
    ['in an offset', '2026-02-01', '2026-02-02', '+01:00'],
  ])('a series %s is refused', async (_, first, last, timeZone) => {
    const asked = usage.reports.series(organizationId(), 'reports', renders, { first, last, timeZone });
    await expect(asked).rejects.toMatchObject({ status: 400, code: 'invalid_range' });
  });

  it('the export has a line for each counter (RFC 4180), with totals that equal the counters', async () => {
    const { text } = await collect(all);
    expect(text.split('\r\n')[0]).toBe(
      'organization_id,organization,module,license_id,feature,period_starts_at,period_ends_at,used',
    );
    expect(lines(text)).toContain(
      `${organizationId()},acme,reports,${license},${renders},2026-02-28T23:00:00.000Z,2026-03-31T22:00:00.000Z,8`,
    );
    const totals = new Map<string, number>();
    for (const line of lines(text)) {
      const [, , , id = '', , , , used] = line.split(',');
      totals.set(id, (totals.get(id) ?? 0) + Number(used));
    }
    expect(Object.fromEntries(totals)).toEqual({ [license]: 15, [other]: 240 });
    const counters = await usage.world.node.database.query(sql`
      SELECT license_id, sum(used)::integer AS used FROM usage_counters GROUP BY 1`);
    expect([...totals].map(([license_id, used]) => ({ license_id, used }))).toEqual(
      expect.arrayContaining(counters),
    );
    const recorded = await usage.world.node.database.query(sql`
      SELECT sum(amount)::integer AS used FROM usage_events`);
    expect(recorded).toEqual([{ used: 255 }]);
  });

  it('exports that follow each other have each counter once', async () => {
    const cut = new Date('2026-02-15T00:00:00Z');
    const halves = [await collect({ ...all, to: cut }), await collect({ ...all, from: cut })];
    const joined = halves.flatMap(({ text }) => lines(text));
    expect(joined.toSorted()).toEqual(lines((await collect(all)).text).toSorted());
    expect(halves.map(({ text }) => lines(text).length)).toEqual([2, 4]);
  });

  it('an export of one organization has nothing of another, and one that ends before it starts is refused', async () => {
    const { text } = await collect({ ...all, organizationId: randomUUID() });
    expect(lines(text)).toEqual([]);
    const ours = await collect({ ...all, organizationId: organizationId() });
    expect(lines(ours.text)).toHaveLength(6);
    await expect(collect({ from: all.to, to: all.from })).rejects.toMatchObject({ code: 'invalid_range' });
  });

  it('an export of many counters comes in pieces of 500, none left out and none twice', async () => {
    await usage.world.node.database.query(sql`
      INSERT INTO usage_counters (license_id, feature_key, period_starts_at, period_ends_at, used)
      SELECT ${license}, 'x' || n % 7, at, at + interval '1 day', n
        FROM generate_series(1, 1200) AS n
        CROSS JOIN LATERAL (SELECT timestamptz '2010-01-01' + n * interval '1 day' AS at) AS day`);
    const range = { from: new Date('2009-01-01T00:00:00Z'), to: new Date('2020-01-01T00:00:00Z') };
    const { pieces, text } = await collect(range);
    expect(pieces.map((piece) => piece.trimEnd().split('\r\n').length)).toEqual([1, 500, 500, 200]);
    const used = lines(text).map((line) => Number(line.split(',').at(-1)));
    expect(used.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1200 }, (_, index) => index + 1));
  });
});
