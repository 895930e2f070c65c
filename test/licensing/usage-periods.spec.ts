import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from '#platform';
import { UsageWorld } from './usage-world.js';

type Unit = 'day' | 'month' | 'year';
/** Places whose clocks do what few do: at midnight, by half an hour, by a day, or backwards in summer. */
const ODD_ZONES = [
  'America/Havana',
  'America/Sao_Paulo',
  'Atlantic/Azores',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'Europe/Dublin',
  'Africa/Casablanca',
  'Asia/Beirut',
  'America/Scoresbysund',
];

describe('periods of use', () => {
  let usage: UsageWorld;
  beforeAll(async () => (usage = await UsageWorld.create()));
  afterAll(() => usage.close());

  const DAY = 86_400_000;
  /** The period of each instant, found by counting one use at it. */
  const periodsAt = async (timeZone: string, unit: Unit, instants: readonly Date[]) => {
    const feature = await usage.feature({ period: unit });
    await usage.world.node.database.query(
      sql`UPDATE licenses SET status = 'revoked' WHERE status <> 'revoked'`,
    );
    await usage.license(feature, null, {
      timeZone,
      startsAt: new Date('2000-01-01T00:00:00.000Z'),
      endsAt: null,
    });
    const found: { at: Date; starts: Date; ends: Date }[] = [];
    for (const at of instants) {
      usage.clock.set(at);
      const { periodStartsAt, periodEndsAt, code } = await usage.use(feature, 1);
      if (!periodStartsAt || !periodEndsAt) throw new Error(`no period: ${code}`);
      found.push({ at, starts: periodStartsAt, ends: periodEndsAt });
    }
    return found;
  };

  it.each([
    // clocks go forward on 29 March, back on 25 October
    ['Europe/Berlin', 'day', '2026-03-29T10:00:00Z', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
    ['Europe/Berlin', 'day', '2026-10-25T10:00:00Z', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
    ['Europe/Berlin', 'month', '2026-03-31T21:59:59.999Z', '2026-02-28T23:00:00Z', '2026-03-31T22:00:00Z'],
    ['Europe/Berlin', 'month', '2026-03-31T22:00:00Z', '2026-03-31T22:00:00Z', '2026-04-30T22:00:00Z'],
    ['Europe/Berlin', 'year', '2026-07-01T00:00:00Z', '2025-12-31T23:00:00Z', '2026-12-31T23:00:00Z'],
    ['Pacific/Kiritimati', 'day', '2026-03-09T10:00:00Z', '2026-03-09T10:00:00Z', '2026-03-10T10:00:00Z'],
    ['America/Los_Angeles', 'month', '2026-03-01T07:59:59Z', '2026-02-01T08:00:00Z', '2026-03-01T08:00:00Z'],
    // 1:00 becomes 0:00: the midnight that is shown twice counts once, the later time
    ['America/Havana', 'day', '2026-11-01T04:30:00Z', '2026-10-31T04:00:00Z', '2026-11-01T05:00:00Z'],
    ['America/Havana', 'day', '2026-11-01T05:30:00Z', '2026-11-01T05:00:00Z', '2026-11-02T05:00:00Z'],
    // 0:00 becomes 1:00: the day begins when it does
    ['America/Sao_Paulo', 'day', '2018-11-04T12:00:00Z', '2018-11-04T03:00:00Z', '2018-11-05T02:00:00Z'],
    // Samoa left out 30 December 2011
    ['Pacific/Apia', 'day', '2011-12-30T09:59:59Z', '2011-12-29T10:00:00Z', '2011-12-30T10:00:00Z'],
    ['Pacific/Apia', 'day', '2011-12-30T10:00:00Z', '2011-12-30T10:00:00Z', '2011-12-31T10:00:00Z'],
  ] as const)('%s, the %s of %s: from %s until %s', async (timeZone, unit, at, starts, ends) => {
    const [period] = await periodsAt(timeZone, unit, [new Date(at)]);
    expect(period).toMatchObject({ starts: new Date(starts), ends: new Date(ends) });
  });

  it('tile time: each instant lies in its period, whose neighbors begin and end where it does', async () => {
    const zones = [...ODD_ZONES, ...ODD_ZONES, ...Intl.supportedValuesOf('timeZone')];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...zones),
        fc.constantFrom<Unit>('day', 'month', 'year'),
        fc.date({ min: new Date('2001-01-01'), max: new Date('2045-01-01'), noInvalidDate: true }),
        async (timeZone, unit, at) => {
          const [period] = await periodsAt(timeZone, unit, [at]);
          if (!period) throw new Error('no period');
          const { starts, ends } = period;
          expect(starts.getTime()).toBeLessThanOrEqual(at.getTime());
          expect(at.getTime()).toBeLessThan(ends.getTime());
          const instants = [starts, new Date(ends.getTime() - 1), new Date(starts.getTime() - 1), ends];
          const [first, last, before, after] = await periodsAt(timeZone, unit, instants);
          expect(first).toMatchObject({ starts, ends });
          expect(last).toMatchObject({ starts, ends });
          expect(before?.ends).toEqual(starts);
          expect(after?.starts).toEqual(ends);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  it('are those of each license: the same use is counted in two time zones', async () => {
    const feature = await usage.feature({ period: 'day' });
    const kiritimati = await usage.license(feature, 1, { timeZone: 'Pacific/Kiritimati' });
    const angeles = await usage.license(feature, 1, { timeZone: 'America/Los_Angeles', endsAt: null });
    usage.clock.set(new Date('2026-03-10T09:00:00.000Z'));
    expect(await usage.use(feature, 2, { idempotencyKey: randomUUID() })).toMatchObject({
      code: 'OK',
      limit: 2,
    });
    // a new day in Kiritimati, the old one in Los Angeles
    usage.clock.set(new Date('2026-03-10T10:00:00.000Z'));
    expect(await usage.use(feature, 2)).toMatchObject({ code: 'QUOTA_EXCEEDED', used: 1, limit: 2 });
    expect(await usage.use(feature, 1)).toMatchObject({ code: 'OK', used: 2 });
    usage.clock.advance(DAY);
    expect(await usage.use(feature, 2)).toMatchObject({ code: 'OK' });
    expect(await usage.counted(feature)).toEqual({ [kiritimati]: [1, 1, 1], [angeles]: [1, 1] });
  });
});
