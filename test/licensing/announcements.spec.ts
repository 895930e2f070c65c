import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { AnnouncementRepository, type NewLicense } from '#licensing';
import { Configuration, sql } from '#platform';
import { Announcer } from '../../libs/licensing/announcements/announcer.js';
import { eventually } from '../support/answers.js';
import { TestClock } from '../support/test-clock.js';
import { LicensingWorld } from './licensing-world.js';

const DAY = 86_400_000;
const STARTS = new Date('2200-03-01T00:00:00.000Z');
const ENDS = new Date('2200-06-01T00:00:00.000Z');
const BEFORE = new Date(STARTS.getTime() - 60_000);

interface Told {
  readonly kind: string;
  readonly subject: string;
}

describe('what time alone brings about', () => {
  let world: LicensingWorld;
  let clock: TestClock;
  let nodes: AnnouncementRepository[];
  let watcher: Client;
  let auditedBefore: string;

  beforeAll(async () => {
    world = await LicensingWorld.create({ nodes: 2 });
    watcher = new Client({ connectionString: world.databaseUrl });
    await watcher.connect();
  });
  afterAll(async () => {
    await watcher.end();
    await world.close();
  });
  beforeEach(async () => {
    await watcher.query('DELETE FROM licenses');
    await watcher.query('DELETE FROM outbox');
    const { rows } = await watcher.query<{ last: string }>(
      'SELECT coalesce(max(id), 0) AS last FROM audit_events',
    );
    auditedBefore = rows[0]?.last ?? '0';
    clock = new TestClock(BEFORE);
    nodes = world.nodes.map(({ database }) => new AnnouncementRepository(database, clock, configuration()));
  });

  const configuration = (days?: string) =>
    Configuration.load({
      NODE_ENV: 'test',
      DATABASE_URL: world.databaseUrl,
      CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
      ...(days === undefined ? {} : { CORE_AUTH_LICENSE_ENDING_DAYS: days }),
    });
  const announcer = (index = 0): AnnouncementRepository => {
    const node = nodes[index % nodes.length];
    if (!node) throw new Error('there is no node');
    return node;
  };
  const license = (changes: Partial<NewLicense> = {}) =>
    world.license({ startsAt: STARTS, endsAt: ENDS, graceDays: 5, ...changes });
  const told = async (): Promise<Told[]> => {
    const { rows } = await watcher.query<Told>(
      "SELECT kind, subject FROM outbox WHERE kind NOT IN ('license-changed', 'catalog-changed') ORDER BY id",
    );
    return rows;
  };
  const kinds = async () => (await told()).map(({ kind }) => kind);
  /** At this instant, and a millisecond before it. */
  const at = async (instant: Date, milliseconds = 0) => {
    clock.set(new Date(instant.getTime() + milliseconds - 1));
    await announcer().announce(100);
    const before = (await kinds()).length;
    clock.advance(1);
    await announcer().announce(100);
    return (await kinds()).slice(before);
  };

  it('announces the start, the days before the end, the grace and the expiry, each at its instant and once', async () => {
    const licenseId = await license();
    expect(await at(STARTS)).toEqual(['license-started']);
    for (const days of [14, 7, 1]) expect(await at(ENDS, -days * DAY)).toEqual(['license-ending']);
    expect(await at(ENDS)).toEqual(['license-grace']);
    expect(await at(ENDS, 5 * DAY)).toEqual(['license-expired']);
    clock.advance(1000 * DAY);
    expect(await announcer().announce(100)).toBe(0);
    expect(await told()).toEqual(
      [
        'license-started',
        'license-ending',
        'license-ending',
        'license-ending',
        'license-grace',
        'license-expired',
      ].map((kind) => ({ kind, subject: licenseId })),
    );
  });

  it('writes one audit row beside each event, says for which instant, and raises no version', async () => {
    const licenseId = await license({ endsAt: null });
    clock.set(STARTS);
    const traces = await world.traced(() => announcer().announce(100));
    expect(traces).toEqual({
      version: 0,
      audit: [{ act: 'license.announce', actor: 'system', target: licenseId }],
      outbox: [{ kind: 'license-started', subject: licenseId }],
    });
    const { rows } = await watcher.query(
      "SELECT organization_id, detail FROM audit_events WHERE act = 'license.announce' AND id > $1 ORDER BY id",
      [auditedBefore],
    );
    expect(rows).toEqual([
      {
        organization_id: world.organizationId,
        detail: { kind: 'license-started', due_at: STARTS.toISOString() },
      },
    ]);
    const outbox = await watcher.query("SELECT organization_id FROM outbox WHERE kind = 'license-started'");
    expect(outbox.rows).toEqual([{ organization_id: world.organizationId }]);
  });

  it('without a grace the end is the expiry, and a trial ends like any license', async () => {
    await license({ graceDays: 0, trial: true });
    expect(await at(ENDS, -7 * DAY)).toEqual(['license-ending']);
    expect(await at(ENDS)).toEqual(['license-expired']);
  });

  it('two nodes that announce at the same moment tell each event once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const ids = await Promise.all(Array.from({ length: 20 }, () => license({ endsAt: null })));
      clock.set(STARTS);
      const counts = await Promise.all(Array.from({ length: 8 }, (_, index) => announcer(index).announce(7)));
      expect(counts.reduce((sum, count) => sum + count)).toBe(20);
      const events = (await told()).filter(({ subject }) => ids.includes(subject));
      expect(events.map(({ subject }) => subject).sort()).toEqual([...ids].sort());
    }
  });

  it('waits for nobody who changes licenses, and nobody waits with it in a circle', async () => {
    const ids = (await Promise.all(Array.from({ length: 10 }, () => license({ endsAt: null })))).sort();
    clock.set(STARTS);
    await watcher.query('BEGIN');
    await watcher.query('SELECT FROM licenses WHERE id = $1 FOR UPDATE', [ids[5]]);
    expect(await announcer().announce(100)).toBe(9);
    await watcher.query('COMMIT');
    expect(await announcer().announce(100)).toBe(1);
    const lockAll = async (order: string[]) => {
      const client = new Client({ connectionString: world.databaseUrl });
      await client.connect();
      try {
        for (let round = 0; round < 10; round += 1) {
          await client.query('BEGIN');
          for (const id of order) {
            await client.query('UPDATE licenses SET version = version + 1 WHERE id = $1', [id]);
          }
          await client.query('COMMIT');
        }
      } finally {
        await client.end();
      }
    };
    await watcher.query('DELETE FROM license_announcements');
    await Promise.all([
      lockAll(ids),
      lockAll(ids),
      ...Array.from({ length: 30 }, (_, index) => announcer(index).announce(3)),
    ]);
    await announcer().announce(100);
    expect(await told()).toHaveLength(20);
  });

  it('what is revoked before the announcement is committed is not announced', async () => {
    const licenseId = await license({ endsAt: null });
    clock.set(STARTS);
    await watcher.query('BEGIN');
    await watcher.query("UPDATE licenses SET status = 'revoked', version = version + 1 WHERE id = $1", [
      licenseId,
    ]);
    expect(await announcer().announce(100)).toBe(0);
    await watcher.query('COMMIT');
    expect(await announcer().announce(100)).toBe(0);
    expect(await told()).toEqual([]);
  });

  it('after a deployment was down for less than a week, everything is told late, in the order in which it came, and once', async () => {
    await license();
    const catchUp = async (instant: number) => {
      const before = (await kinds()).length;
      clock.set(new Date(instant));
      await Promise.all(nodes.map((node) => node.announce(100)));
      return (await kinds()).slice(before);
    };
    expect(await catchUp(STARTS.getTime() + 6 * DAY)).toEqual(['license-started']);
    expect(await catchUp(ENDS.getTime() - 6 * DAY)).toEqual(['license-ending']);
    // that it will end tomorrow is not told of what has ended
    expect(await catchUp(ENDS.getTime() + 6 * DAY)).toEqual(['license-grace', 'license-expired']);
  });

  it('what passed more than a week ago is told to nobody, as on the first run with licenses of many years', async () => {
    await Promise.all([1, 2, 3].map(() => license({ graceDays: 0 })));
    const latest = await license({ graceDays: 300 });
    clock.set(new Date(ENDS.getTime() + 300 * DAY));
    for (let round = 0; round < 2; round += 1) await announcer().announce(100);
    expect(await told()).toEqual([{ kind: 'license-expired', subject: latest }]);
    expect(await world.node.database.query(sql`SELECT FROM license_announcements`)).toHaveLength(1);
  });

  it('what had passed when the license was written down is not announced', async () => {
    const licenseId = await license();
    await watcher.query('UPDATE licenses SET created_at = $2 WHERE id = $1', [
      licenseId,
      new Date(ENDS.getTime() - 7 * DAY),
    ]);
    clock.set(new Date(ENDS.getTime() - DAY));
    await announcer().announce(100);
    expect(await kinds()).toEqual(['license-ending']);
  });

  it('drafts, cancelled and revoked licenses announce nothing, and issuing a draft tells nothing of its past', async () => {
    const { licenseId: draft } = await world.node.licenses.draft(
      world.terms({ startsAt: STARTS, endsAt: ENDS, graceDays: 0 }),
      'seed',
    );
    for (const status of ['cancelled', 'revoked'] as const) {
      await world.node.licenses.changeStatus(await license(), status, 'seed');
    }
    clock.set(new Date(ENDS.getTime() - 10 * DAY));
    expect(await announcer().announce(100)).toBe(0);
    await world.node.licenses.changeStatus(draft, 'issued', 'seed');
    expect(await announcer().announce(100)).toBe(0);
    clock.set(ENDS);
    await announcer().announce(100);
    expect(await told()).toEqual([{ kind: 'license-expired', subject: draft }]);
  });

  it('a suspension does not stop the clock: a suspended license announces as an issued one', async () => {
    await world.node.licenses.changeStatus(await license(), 'suspended', 'seed');
    expect(await at(STARTS)).toEqual(['license-started']);
    expect(await at(ENDS, 5 * DAY)).toEqual(['license-expired']);
  });

  it('a renewed license announces its new instants, and not the old ones that did not come', async () => {
    const licenseId = await license({ graceDays: 0 });
    clock.set(new Date(ENDS.getTime() - 14 * DAY));
    await announcer().announce(100);
    const later = new Date(ENDS.getTime() + 365 * DAY);
    await watcher.query('UPDATE licenses SET ends_at = $2, version = version + 1 WHERE id = $1', [
      licenseId,
      later,
    ]);
    clock.set(ENDS);
    expect(await announcer().announce(100)).toBe(0);
    expect(await at(later, -14 * DAY)).toEqual(['license-ending']);
    clock.set(later);
    await announcer().announce(100);
    expect((await kinds()).at(-1)).toBe('license-expired');
  });

  it('later terms are announced when they begin, and those that the license does not live to see are not', async () => {
    const licenseId = await license({ graceDays: 0 });
    const begin = [new Date(STARTS.getTime() + 10 * DAY), ENDS];
    for (const effectiveAt of begin) {
      await watcher.query(
        "INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model) VALUES ($1, $2, $3, 'unlimited')",
        [licenseId, effectiveAt, world.plan.id],
      );
    }
    expect(await at(STARTS)).toEqual(['license-started']);
    expect(await at(STARTS, 10 * DAY)).toEqual(['license-terms-changed']);
    expect(await at(ENDS)).toEqual(['license-expired']);
  });

  it('the days before the end are a setting; those before the start are left out', async () => {
    const settable = new AnnouncementRepository(world.node.database, clock, configuration('30,3'));
    await license({ endsAt: new Date(STARTS.getTime() + 20 * DAY), graceDays: 0 });
    for (const days of [0, 17]) {
      clock.set(new Date(STARTS.getTime() + days * DAY));
      await settable.announce(100);
    }
    expect(await kinds()).toEqual(['license-started', 'license-ending']);
  });

  it('many are announced in batches, all of them, and a stop between the batches leaves the rest for later', async () => {
    await Promise.all(Array.from({ length: 25 }, () => license({ endsAt: null })));
    clock.set(STARTS);
    let asked = 0;
    expect(await announcer().announce(4, () => (asked += 1) > 2)).toBe(8);
    expect(await announcer().announce(4)).toBe(17);
  });

  it('a node announces every 15 seconds, also after it could not, until it is stopped', async () => {
    const logged: string[] = [];
    const log = jest.spyOn(Logger.prototype, 'warn').mockImplementation((text: string) => logged.push(text));
    jest.useFakeTimers({
      doNotFake: [
        'setTimeout',
        'clearTimeout',
        'setImmediate',
        'clearImmediate',
        'nextTick',
        'queueMicrotask',
        'Date',
      ],
    });
    const node = new Announcer(announcer());
    const ids = [await license({ endsAt: null }), await license({ endsAt: null, startsAt: ENDS })];
    try {
      await watcher.query('ALTER TABLE license_announcements RENAME TO away');
      clock.set(STARTS);
      node.onApplicationBootstrap();
      await eventually(() => (logged.length > 0 ? true : undefined), 'the failure in the log');
      expect(logged[0]).toContain(
        'licenses are announced later: relation "license_announcements" does not exist',
      );
      await watcher.query('ALTER TABLE away RENAME TO license_announcements');
      jest.advanceTimersByTime(14_999);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await told()).toEqual([]);
      jest.advanceTimersByTime(1);
      await eventually(async () => ((await told()).length === 1 ? true : undefined), 'the first');
      clock.set(ENDS);
      await node.beforeApplicationShutdown();
      jest.advanceTimersByTime(60_000);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await told()).toEqual([{ kind: 'license-started', subject: ids[0] }]);
    } finally {
      await node.beforeApplicationShutdown();
      jest.useRealTimers();
      log.mockRestore();
    }
  });

  it('announcements are kept as long as the license, and go with it', async () => {
    await license();
    for (const instant of [STARTS, ENDS]) {
      clock.set(instant);
      await announcer().announce(100);
    }
    expect(
      await world.node.database.query(sql`SELECT kind FROM license_announcements ORDER BY kind`),
    ).toEqual(['license-ending', 'license-grace', 'license-started'].map((kind) => ({ kind })));
    await watcher.query('DELETE FROM licenses');
    expect(await world.node.database.query(sql`SELECT FROM license_announcements`)).toHaveLength(0);
  });
});
