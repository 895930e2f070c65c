import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { sql } from '#platform';
import { NOON, UsageWorld } from './usage-world.js';

describe('use of metered features', () => {
  let usage: UsageWorld;
  beforeAll(async () => (usage = await UsageWorld.create({ nodes: 2 })));
  afterAll(() => usage.close());
  beforeEach(async () => {
    usage.clock.set(NOON);
    // those of other tests would make other answers
    await usage.world.node.database.query(
      sql`UPDATE licenses SET status = 'revoked' WHERE status <> 'revoked'`,
    );
  });

  const march = {
    periodStartsAt: new Date('2026-03-01T00:00:00.000Z'),
    periodEndsAt: new Date('2026-04-01T00:00:00.000Z'),
  };

  it('is counted up to the limit, then refused whole with QUOTA_EXCEEDED, which leaves nothing', async () => {
    const feature = await usage.feature();
    const license = await usage.license(feature, 10);
    const whole = { limit: 10, ...march };
    expect(await usage.use(feature, 7)).toEqual({ allow: true, code: 'OK', used: 7, ...whole });
    const refused = await usage.use(feature, 4);
    expect(refused).toEqual({ allow: false, code: 'QUOTA_EXCEEDED', used: 7, ...whole });
    expect(await usage.use(feature, 3)).toEqual({ allow: true, code: 'OK', used: 10, ...whole });
    expect(await usage.use(feature, 1)).toMatchObject({ allow: false, used: 10 });
    expect(await usage.counted(feature)).toEqual({ [license]: [10] });
    expect(await usage.recorded(feature)).toEqual({ uses: 2, amount: 10 });
  });

  it('beyond the limit is counted and told apart where the license allows overage', async () => {
    const feature = await usage.feature();
    const license = await usage.license(feature, 10, { overage: 'allow' });
    await usage.use(feature, 7);
    expect(await usage.use(feature, 4)).toEqual({
      allow: true,
      code: 'OK_OVERAGE',
      used: 11,
      limit: 10,
      ...march,
    });
    expect(await usage.counted(feature)).toEqual({ [license]: [11] });
    const shares = await usage.world.node.database.query(sql`
      SELECT shares FROM usage_events WHERE feature_key = ${feature} ORDER BY amount`);
    const periodStartsAt = march.periodStartsAt.toISOString();
    expect(shares).toEqual([
      { shares: [{ license, amount: 4, overage: 1, periodStartsAt }] },
      { shares: [{ license, amount: 7, periodStartsAt }] },
    ]);
  });

  it('combined by sum is spread over the licenses, the one that ends soonest first', async () => {
    const feature = await usage.feature();
    const late = await usage.license(feature, 10, { endsAt: new Date('2029-01-01T00:00:00.000Z') });
    const soon = await usage.license(feature, 5, { endsAt: new Date('2027-01-01T00:00:00.000Z') });
    expect(await usage.use(feature, 4)).toMatchObject({ code: 'OK', used: 4, limit: 15 });
    expect(await usage.counted(feature)).toEqual({ [soon]: [4], [late]: [0] });
    expect(await usage.use(feature, 4)).toMatchObject({ code: 'OK', used: 8 });
    expect(await usage.counted(feature)).toEqual({ [soon]: [5], [late]: [3] });
    expect(await usage.use(feature, 8)).toMatchObject({ allow: false, code: 'QUOTA_EXCEEDED', used: 8 });
    expect(await usage.counted(feature)).toEqual({ [soon]: [5], [late]: [3] });
  });

  it('combined by max is borne by the license with the largest limit alone', async () => {
    const feature = await usage.feature({ combine: 'max' });
    await usage.license(feature, 5, { endsAt: new Date('2027-01-01T00:00:00.000Z') });
    const large = await usage.license(feature, 10);
    expect(await usage.use(feature, 10)).toMatchObject({ code: 'OK', used: 10, limit: 10 });
    expect(await usage.use(feature, 1)).toMatchObject({ code: 'QUOTA_EXCEEDED', used: 10, limit: 10 });
    expect((await usage.counted(feature))[large]).toEqual([10]);
  });

  it('is judged by the licenses that hold now: status, environment, seat, override, terms', async () => {
    const feature = await usage.feature();
    const [seated = '', standing = ''] = await usage.world.members(2);
    const { licenses, seats, database } = usage.world.node;
    const license = await usage.license(feature, 10, { seatModel: 'named', seatLimit: 1 });
    await seats.assignSeat(license, seated, 'admin');
    expect(await usage.use(feature, 1, { userId: seated })).toMatchObject({ code: 'OK', used: 1 });
    expect(await usage.use(feature, 1, { userId: standing })).toMatchObject({
      allow: false,
      code: 'SEAT_REQUIRED',
    });
    expect(await usage.use(feature, 1, { environment: 'staging' })).toMatchObject({ code: 'ENV_MISMATCH' });

    const always = { startsAt: new Date('2026-01-01T00:00:00.000Z'), endsAt: null };
    await licenses.setOverride({ licenseId: license, feature, value: 2, ...always }, 'admin');
    expect(await usage.use(feature, 2)).toMatchObject({ code: 'QUOTA_EXCEEDED', used: 1, limit: 2 });
    await licenses.setOverride({ licenseId: license, feature, value: 'REMOVED', ...always }, 'admin');
    expect(await usage.use(feature, 1)).toMatchObject({ code: 'FEATURE_NOT_INCLUDED' });
    await licenses.setOverride({ licenseId: license, feature, value: null, ...always }, 'admin');
    expect(await usage.use(feature, 100)).toMatchObject({ code: 'OK', used: 101, limit: null });

    const { id } = await usage.world.node.catalog.createPlanVersion(
      { planKey: `later-${randomUUID()}`, name: 'Later', moduleKey: 'reports', features: {} },
      'seed',
    );
    await database.query(sql`DELETE FROM license_overrides WHERE license_id = ${license}`);
    await database.query(sql`
      INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model)
      VALUES (${license}, ${new Date(NOON.getTime() + 1000)}, ${id}, 'unlimited')`);
    expect(await usage.use(feature, 1)).toMatchObject({ code: 'QUOTA_EXCEEDED', used: 101, limit: 10 });
    usage.clock.advance(1000);
    expect(await usage.use(feature, 1)).toMatchObject({ code: 'FEATURE_NOT_INCLUDED' });
  });

  it('is refused by a license that was suspended, is in grace counted as OK_GRACE, and after that EXPIRED', async () => {
    const feature = await usage.feature();
    const endsAt = new Date(NOON.getTime() + 1000);
    const license = await usage.license(feature, 10, { endsAt, graceDays: 1 });
    expect(await usage.use(feature, 1)).toMatchObject({ code: 'OK' });
    usage.clock.set(endsAt);
    expect(await usage.use(feature, 1)).toMatchObject({ code: 'OK_GRACE', used: 2 });
    usage.clock.advance(86_400_000);
    expect(await usage.use(feature, 1)).toMatchObject({ allow: false, code: 'EXPIRED' });
    usage.clock.set(NOON);
    await usage.world.node.licenses.changeStatus(license, 'suspended', 'admin');
    expect(await usage.use(feature, 1)).toMatchObject({ allow: false, code: 'SUSPENDED' });
    expect(await usage.counted(feature)).toEqual({ [license]: [2] });
  });

  it('of a person with a floating seat ends with the lease', async () => {
    const feature = await usage.feature();
    const [person = ''] = await usage.world.members(1);
    const license = await usage.license(feature, 10);
    const { database } = usage.world.node;
    await database.query(sql`
      UPDATE license_terms SET seat_model = 'floating', seat_limit = 1 WHERE license_id = ${license}`);
    const until = new Date(NOON.getTime() + 60_000);
    expect(await usage.use(feature, 1, { userId: person })).toMatchObject({ code: 'SEAT_REQUIRED' });
    await database.query(sql`
      INSERT INTO seat_leases (license_id, user_id, device, fence, leased_at, expires_at)
      VALUES (${license}, ${person}, 'laptop', 1, ${NOON}, ${until})`);
    expect(await usage.use(feature, 1, { userId: person })).toMatchObject({ code: 'OK' });
    usage.clock.set(until);
    expect(await usage.use(feature, 1, { userId: person })).toMatchObject({ code: 'LEASE_EXPIRED' });
  });

  it('of a person with floating seats is borne by the licenses that they hold a seat of, and by no other', async () => {
    const feature = await usage.feature();
    const [person = ''] = await usage.world.members(1);
    const { database } = usage.world.node;
    const [mine, other] = [await usage.license(feature, 3), await usage.license(feature, 100)];
    await database.query(sql`
      UPDATE license_terms SET seat_model = 'floating', seat_limit = 5 WHERE license_id IN (${mine}, ${other})`);
    const lease = (license: string, until: Date) =>
      database.query(sql`
        INSERT INTO seat_leases (license_id, user_id, device, fence, leased_at, expires_at)
        VALUES (${license}, ${person}, 'laptop', 1, ${NOON}, ${until})`);
    await lease(mine, new Date(NOON.getTime() + 60_000));
    expect(await usage.use(feature, 4, { userId: person })).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      limit: 3,
    });
    expect(await usage.use(feature, 3, { userId: person })).toMatchObject({ code: 'OK', limit: 3 });
    expect(await usage.counted(feature)).toEqual({ [mine]: [3] });
    await lease(other, new Date(NOON.getTime() + 30_000));
    expect(await usage.use(feature, 4, { userId: person })).toMatchObject({ code: 'OK', limit: 103 });
    usage.clock.advance(30_000);
    expect(await usage.use(feature, 1, { userId: person })).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      limit: 3,
    });
    usage.clock.advance(30_000);
    expect(await usage.use(feature, 1, { userId: person })).toMatchObject({ code: 'LEASE_EXPIRED' });
  });

  it('of who has left the organization, or is disabled, is refused', async () => {
    const feature = await usage.feature();
    const [left = '', disabled = ''] = await usage.world.members(2);
    await usage.license(feature, 10);
    const { accounts, database } = usage.world.node;
    await database.query(sql`DELETE FROM memberships WHERE user_id = ${left}`);
    await accounts.disableUser(disabled, 'admin');
    for (const userId of [left, disabled]) {
      await expect(usage.use(feature, 1, { userId })).rejects.toMatchObject({
        status: 404,
        code: 'unknown_user',
      });
    }
    expect(await usage.recorded(feature)).toEqual({ uses: 0, amount: 0 });
  });

  describe('told again with the same key', () => {
    it('gets the answer of the first time and counts nothing, whatever has changed since', async () => {
      const feature = await usage.feature();
      const license = await usage.license(feature, 10);
      const idempotencyKey = randomUUID();
      const first = await usage.use(feature, 6, { idempotencyKey });
      await usage.use(feature, 4);
      const again = { ...first, replayed: true };
      expect(await usage.use(feature, 6, { idempotencyKey, clientId: 'another' }, 1)).toEqual(again);
      await usage.world.node.licenses.changeStatus(license, 'revoked', 'admin');
      expect(await usage.use(feature, 6, { idempotencyKey })).toEqual(again);
      expect(await usage.counted(feature)).toEqual({ [license]: [10] });
    });

    it('is refused when anything else about the request differs', async () => {
      const feature = await usage.feature();
      const other = await usage.feature();
      const license = await usage.license(feature, 10);
      const [userId = ''] = await usage.world.members(1);
      const idempotencyKey = randomUUID();
      await usage.use(feature, 1, { idempotencyKey });
      for (const reuse of [
        usage.use(feature, 2, { idempotencyKey }),
        usage.use(other, 1, { idempotencyKey }),
        usage.use(feature, 1, { idempotencyKey, userId }),
        usage.use(feature, 1, { idempotencyKey, environment: 'production' }),
      ]) {
        await expect(reuse).rejects.toMatchObject({ status: 409, code: 'idempotency_key_reused' });
      }
      expect(await usage.counted(feature)).toEqual({ [license]: [1] });
    });

    it('at once on two nodes counts once, and both get the same answer', async () => {
      const feature = await usage.feature();
      const license = await usage.license(feature, 20);
      for (let round = 1; round <= 20; round += 1) {
        const idempotencyKey = randomUUID();
        const answers = await Promise.all(
          Array.from({ length: 6 }, (_, index) => usage.use(feature, 1, { idempotencyKey }, index)),
        );
        for (const answer of answers) {
          expect(answer).toMatchObject({ allow: true, code: 'OK', used: round, limit: 20, ...march });
        }
        expect(answers.filter(({ replayed }) => replayed)).toHaveLength(answers.length - 1);
      }
      expect(await usage.counted(feature)).toEqual({ [license]: [20] });
    });

    it('asks anew after a refusal, which is not stored', async () => {
      const feature = await usage.feature();
      const license = await usage.license(feature, 1);
      const idempotencyKey = randomUUID();
      expect(await usage.use(feature, 2, { idempotencyKey })).toMatchObject({ allow: false });
      const { licenses } = usage.world.node;
      const startsAt = new Date('2026-01-01T00:00:00.000Z');
      await licenses.setOverride({ licenseId: license, feature, value: 2, startsAt, endsAt: null }, 'admin');
      expect(await usage.use(feature, 2, { idempotencyKey })).toMatchObject({ allow: true, used: 2 });
    });

    it('belongs to one organization and module', async () => {
      const feature = await usage.feature();
      await usage.license(feature, 10);
      const { accounts } = usage.world.node;
      const { id } = await accounts.createOrganization({ key: `o-${randomUUID()}`, name: 'Other' }, 'seed');
      const idempotencyKey = randomUUID();
      await usage.use(feature, 1, { idempotencyKey });
      expect(await usage.use(feature, 1, { idempotencyKey, organizationId: id })).toMatchObject({
        allow: false,
        code: 'NO_LICENSE',
      });
    });
  });

  it('waits for others with what it decided, and is judged anew when a license changed meanwhile', async () => {
    const feature = await usage.feature();
    const license = await usage.license(feature, 10);
    await usage.use(feature, 1);
    const { licenses } = usage.world.node;
    const [, other] = usage.world.nodes;
    let waiting: ReturnType<typeof usage.use> | undefined;
    await other?.database.transaction(async (transaction) => {
      await transaction.query(sql`
        SELECT FROM usage_counters WHERE license_id = ${license} AND feature_key = ${feature} FOR UPDATE`);
      waiting = usage.use(feature, 1);
      await usage.until(async () => (await usage.lockedOut()) === 1);
      await licenses.changeStatus(license, 'suspended', 'admin');
    });
    expect(await waiting).toMatchObject({ allow: false, code: 'SUSPENDED' });
    expect(await usage.counted(feature)).toEqual({ [license]: [1] });
  });

  describe.each([
    ['no number', NaN],
    ['infinite', Infinity],
    ['a fraction', 1.5],
    ['nothing', 0],
    ['negative', -1],
    ['2^53', 2 ** 53],
    ['2^53+1', Number('9007199254740993')],
    ['a text', '5' as unknown as number],
  ])('an amount that is %s', (_, amount) => {
    it('is refused and changes nothing', async () => {
      const feature = await usage.feature();
      await usage.license(feature, null);
      await expect(usage.use(feature, amount)).rejects.toMatchObject({ status: 400, code: 'invalid_usage' });
      expect(await usage.counted(feature)).toEqual({});
    });
  });

  it('counts 2^53-1, and never beyond it', async () => {
    const feature = await usage.feature();
    const license = await usage.license(feature, null);
    expect(await usage.use(feature, 2 ** 53 - 1)).toMatchObject({
      code: 'OK',
      used: 2 ** 53 - 1,
      limit: null,
    });
    await expect(usage.use(feature, 1)).rejects.toMatchObject({ status: 400, code: 'invalid_usage' });
    expect(await usage.counted(feature)).toEqual({ [license]: [2 ** 53 - 1] });
  });

  it('of an unknown organization, person, module or feature, or of one that is not metered, is refused', async () => {
    const feature = await usage.feature();
    await usage.license(feature, 10);
    const unknown = [
      [usage.use(feature, 1, { organizationId: randomUUID() }), 404, 'unknown_organization'],
      [usage.use(feature, 1, { organizationId: 'acme' }), 400, 'invalid_usage'],
      [usage.use(feature, 1, { module: 'nothing' }), 404, 'unknown_organization'],
      [usage.use(feature, 1, { userId: randomUUID() }), 404, 'unknown_user'],
      [usage.use(feature, 1, { userId: 'me' }), 400, 'invalid_usage'],
      [usage.use('constructor', 1), 404, 'unknown_feature'],
      [usage.use('charts', 1), 400, 'not_metered'],
      [usage.use(feature, 1, { idempotencyKey: '' }), 400, 'invalid_usage'],
      [usage.use(feature, 1, { idempotencyKey: 'a, b' }), 400, 'invalid_usage'],
      [usage.use(feature, 1, { idempotencyKey: 'x'.repeat(129) }), 400, 'invalid_usage'],
    ] as const;
    for (const [use, status, code] of unknown) await expect(use).rejects.toMatchObject({ status, code });
    expect(await usage.recorded(feature)).toEqual({ uses: 0, amount: 0 });
  });

  describe('property 7: one audit row and one outbox row for each change', () => {
    it('a use is recorded by its own row alone; reaching a threshold writes one of each, once', async () => {
      const feature = await usage.feature({ thresholds: [50, 80, 100] });
      const license = await usage.license(feature, 10);
      const nothing = { version: 0, audit: [], outbox: [] };
      expect(await usage.world.traced(() => usage.use(feature, 4))).toEqual(nothing);
      const once = {
        version: 0,
        audit: [{ act: 'usage.reach-threshold', actor: 'reports', target: license }],
        outbox: [{ kind: 'usage-threshold-reached', subject: license }],
      };
      expect(await usage.world.traced(() => usage.use(feature, 1))).toEqual(once);
      expect(await usage.world.traced(() => usage.use(feature, 2))).toEqual(nothing);
      const idempotencyKey = randomUUID();
      expect(await usage.world.traced(() => usage.use(feature, 3, { idempotencyKey }))).toEqual(once);
      expect(await usage.world.traced(() => usage.use(feature, 3, { idempotencyKey }))).toEqual(nothing);
      expect(await usage.world.traced(() => usage.use(feature, 1))).toEqual(nothing);
    });

    it('of several thresholds at once the highest is announced, and the audit row names them all', async () => {
      const feature = await usage.feature({ thresholds: [100, 50, 80] });
      const license = await usage.license(feature, 10);
      await usage.use(feature, 1);
      const idempotencyKey = randomUUID();
      await usage.use(feature, 8, { idempotencyKey });
      const rows = await usage.world.node.database.query(sql`
        SELECT organization_id, detail FROM audit_events
         WHERE act = 'usage.reach-threshold' AND target = ${license}`);
      const detail = {
        ...{ module: 'reports', feature, percent: 80, crossed: [50, 80], used: 9, limit: 10, idempotencyKey },
        periodStartsAt: march.periodStartsAt.toISOString(),
        periodEndsAt: march.periodEndsAt.toISOString(),
      };
      expect(rows).toEqual([{ organization_id: usage.world.organizationId, detail }]);
    });

    it('a new period announces its thresholds anew', async () => {
      const feature = await usage.feature({ period: 'day' });
      await usage.license(feature, 1);
      for (let day = 0; day < 3; day += 1) {
        const { outbox } = await usage.world.traced(() => usage.use(feature, 1));
        expect(outbox).toHaveLength(1);
        usage.clock.advance(86_400_000);
      }
    });

    it('parallel uses on two nodes announce each threshold once', async () => {
      const feature = await usage.feature({ thresholds: [25, 50, 75, 100] });
      await usage.license(feature, 40);
      const { audit, outbox } = await usage.world.traced(() =>
        Promise.all(Array.from({ length: 60 }, (_, index) => usage.use(feature, 1, {}, index))),
      );
      expect([audit.length, outbox.length]).toEqual([4, 4]);
    });

    it('the records of uses, replayed, give the counters', async () => {
      const replayed = await usage.world.node.database.query(sql`
        SELECT share->>'license' AS license, feature_key, share->>'periodStartsAt' AS starts,
               sum((share->>'amount')::bigint) AS used
          FROM usage_events CROSS JOIN jsonb_array_elements(shares) AS share GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`);
      const counters = await usage.world.node.database.query(sql`
        SELECT license_id::text AS license, feature_key, used::numeric::text AS used,
               to_char(period_starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS starts
          FROM usage_counters WHERE used > 0 ORDER BY 1, 2, 4`);
      expect(replayed.length).toBeGreaterThan(10);
      expect(replayed).toEqual(counters);
    });
  });

  it('records are kept 400 days and counters three years, and swept in batches after that', async () => {
    const feature = await usage.feature({ period: 'day' });
    await usage.license(feature, 10, { endsAt: null });
    for (let use = 0; use < 5; use += 1) await usage.use(feature, 1);
    // those of organizations that are no more as well
    await usage.world.node.database.query(sql`
      INSERT INTO removed_usage (license_id, organization_id, module_key, feature_key, period_starts_at,
                                 period_ends_at, used)
      SELECT license_id, gen_random_uuid(), 'gone', feature_key, period_starts_at, period_ends_at, used
        FROM usage_counters WHERE feature_key = ${feature}`);
    const days = (count: number) => new Date(NOON.getTime() + count * 86_400_000);
    const kept = async (now: Date) => {
      usage.clock.set(now);
      await usage.node().prune(2);
      const { uses } = await usage.recorded(feature);
      const removed = await usage.world.node.database.query(sql`SELECT FROM removed_usage`);
      return [uses, Object.values(await usage.counted(feature)).length, removed.length];
    };
    expect(await kept(days(399))).toEqual([5, 1, 1]);
    expect(await kept(days(401))).toEqual([0, 1, 1]);
    expect(await kept(days(3 * 365))).toEqual([0, 1, 1]);
    expect(await kept(days(3 * 366 + 2))).toEqual([0, 0, 0]);
  });
});
