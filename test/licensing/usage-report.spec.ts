import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NOON, UsageWorld } from './usage-world.js';

describe('reports of use', () => {
  let usage: UsageWorld;
  let renders: string;
  let exportsKey: string;
  let license: string;
  beforeAll(async () => {
    usage = await UsageWorld.create();
    renders = await usage.feature({ period: 'month' });
    exportsKey = await usage.feature({ period: 'day' });
    license = await usage.license(renders, 100, { timeZone: 'Europe/Berlin' });
    await usage.license(exportsKey, null, { timeZone: 'Europe/Berlin' });
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
});

describe('the present use', () => {
  let usage: UsageWorld;
  beforeAll(async () => {
    usage = await UsageWorld.create();
  });
  afterAll(() => usage.close());

  it('says what the next use would be told: refused at the limit, billed where that is allowed', async () => {
    for (const [overage, code] of [
      ['refuse', 'QUOTA_EXCEEDED'],
      ['allow', 'OK_OVERAGE'],
    ] as const) {
      const feature = await usage.feature();
      await usage.license(feature, 2, { overage });
      const present = async () => usage.reports.present(usage.world.organizationId, 'reports', feature);
      await usage.use(feature, 1);
      expect(await present()).toMatchObject({ allow: true, code: 'OK', used: 1 });
      await usage.use(feature, 1);
      const allow = overage === 'allow';
      expect(await present()).toMatchObject({ allow, code, used: 2, limit: 2 });
      expect(await usage.use(feature, 1)).toMatchObject({ allow, code });
    }
  });
});
