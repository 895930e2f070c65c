import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { CatalogRepository } from '#licensing';
import { Database, RedisConnection, sql } from '#platform';
import { eventually } from '../support/answers.js';
import { RedisServer } from '../support/redis.js';
import { basic, World } from '../support/world.js';
import { NOON, UsageWorld } from './usage-world.js';

describe('hard case 10: quota requests at once on two nodes, with retries, and the cache killed half-way', () => {
  let redis: RedisServer;
  let world: World;
  let nodes: World[];
  beforeAll(async () => {
    redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url };
    world = await World.start({ env });
    nodes = [world, await World.start({ env, beside: world })];
  }, 60_000);
  afterAll(async () => {
    await nodes[1]?.stop();
    await world.stop();
    await redis.stop();
  });

  const tell = async (node: World | undefined, feature: string, key: string) => {
    const response = await fetch(`${node?.url}/v1/usage`, {
      method: 'POST',
      headers: {
        authorization: basic(world.client('reports')),
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify({ organization_id: world.id('acme'), feature, amount: 1 }),
    });
    const { code } = (await response.json()) as { code: string };
    return { status: response.status, code };
  };

  it.each([1, 2, 3])(
    'exactly 100 of 200 are accepted (round %i)',
    async (round) => {
      const port = redis.port;
      const feature = `renders-${round}`;
      const catalog = world.app.get(CatalogRepository);
      await catalog.createFeature(
        { moduleKey: 'reports', key: feature, type: 'metered', combine: 'sum' },
        'test',
      );
      const { id } = await catalog.createPlanVersion(
        { planKey: feature, name: feature, moduleKey: 'reports', features: { [feature]: 100 } },
        'test',
      );
      await world.license('acme', 'reports', { planVersionId: id });
      await eventually(() => nodes.every(({ app }) => app.get(RedisConnection).ready) || undefined, 'Redis');

      const keys = Array.from({ length: 200 }, () => randomUUID());
      let answered = 0;
      const answers = await Promise.all(
        keys.map(async (key, index) => {
          // the answer of the first try got lost on its way: the client tries again, at the other node, at once
          const tries = await Promise.all(
            [0, 1].map((turn) => tell(nodes[(index + turn) % 2], feature, key)),
          );
          if ((answered += 1) === 50) redis.signal('SIGKILL');
          return [...tries, await tell(nodes[index % 2], feature, key)];
        }),
      );
      expect(nodes.some(({ app }) => app.get(RedisConnection).ready)).toBe(false);

      const accepted = answers.filter((tries) => tries.some(({ status }) => status === 200));
      expect(accepted).toHaveLength(100);
      for (const tries of answers) {
        // every try of one key is answered alike
        expect(new Set(tries.map(({ status }) => status)).size).toBe(1);
        expect(['OK', 'QUOTA_EXCEEDED']).toContain(tries[0]?.code);
      }
      const [counted] = await world.app.get(Database).query(sql`
      SELECT (SELECT sum(used) FROM usage_counters WHERE feature_key = ${feature})::integer AS used,
             (SELECT count(*) FROM usage_events WHERE feature_key = ${feature})::integer AS recorded`);
      expect(counted).toEqual({ used: 100, recorded: 100 });

      await redis.stop();
      redis = await RedisServer.start({ port });
    },
    60_000,
  );
});

describe('counters and a model of them', () => {
  let usage: UsageWorld;
  beforeAll(async () => (usage = await UsageWorld.create({ nodes: 2 })));
  afterAll(() => usage.close());

  interface Sold {
    readonly id: string;
    readonly limit: number;
    readonly years: number;
    readonly overage: 'refuse' | 'allow';
  }
  /** What the counters of a period should hold. */
  class Model {
    readonly used = new Map<string, number>();
    readonly answers = new Map<string, { amount: number; allow: boolean }>();

    constructor(
      readonly licenses: readonly Sold[],
      readonly combine: 'max' | 'sum',
    ) {}

    /** Unit by unit, as somebody would count with pebbles. */
    use(key: string, amount: number): boolean | 'reused' {
      const before = this.answers.get(key);
      if (before) return before.amount === amount ? before.allow : 'reused';
      const order = this.licenses.toSorted((a, b) =>
        this.combine === 'max' && a.limit !== b.limit
          ? b.limit - a.limit
          : a.years - b.years || (a.id < b.id ? -1 : 1),
      );
      const filled = this.combine === 'max' ? order.slice(0, 1) : order;
      const lastFirst = (those: readonly Sold[]) =>
        those
          .filter(({ overage }) => overage === 'allow')
          .toSorted((a, b) => b.years - a.years || (a.id < b.id ? -1 : 1));
      const billed = lastFirst(filled)[0] ?? lastFirst(order)[0];
      const used = new Map(this.used);
      for (let unit = 0; unit < amount; unit += 1) {
        const bearer = filled.find(({ id, limit }) => (used.get(id) ?? 0) < limit) ?? billed;
        // a refusal leaves the key free
        if (!bearer) return false;
        used.set(bearer.id, (used.get(bearer.id) ?? 0) + 1);
      }
      for (const [id, count] of used) this.used.set(id, count);
      this.answers.set(key, { amount, allow: true });
      return true;
    }

    nextPeriod(): void {
      this.used.clear();
    }
  }

  const sold = fc.record({
    limit: fc.nat({ max: 6 }),
    years: fc.integer({ min: 1, max: 3 }),
    overage: fc.constantFrom('refuse' as const, 'refuse' as const, 'allow' as const),
  });
  const use = fc.record({ key: fc.nat({ max: 8 }), amount: fc.integer({ min: 1, max: 5 }) });
  const step = fc.oneof(
    { weight: 6, arbitrary: use },
    { weight: 1, arbitrary: fc.constant('next day' as const) },
  );

  const start = async (combine: 'max' | 'sum', licenses: readonly Omit<Sold, 'id'>[]) => {
    usage.clock.set(NOON);
    await usage.world.node.database.query(
      sql`UPDATE licenses SET status = 'revoked' WHERE status <> 'revoked'`,
    );
    const feature = await usage.feature({ combine, period: 'day' });
    const made: Sold[] = [];
    for (const { limit, years, overage } of licenses) {
      const endsAt = new Date(`${2027 + years}-01-01T00:00:00.000Z`);
      made.push({ limit, years, overage, id: await usage.license(feature, limit, { endsAt, overage }) });
    }
    return { feature, prefix: randomUUID(), model: new Model(made, combine) };
  };

  it('agree on every answer and every counter, whatever is used and retried, and use stays within hard limits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('max' as const, 'sum' as const),
        fc.array(sold, { minLength: 1, maxLength: 3 }),
        fc.array(step, { minLength: 1, maxLength: 20 }),
        async (combine, licenses, steps) => {
          const { feature, prefix, model } = await start(combine, licenses);
          for (const [index, one] of steps.entries()) {
            if (one === 'next day') {
              usage.clock.advance(86_400_000);
              model.nextPeriod();
              continue;
            }
            const idempotencyKey = `${prefix}-${one.key}`;
            const answer = await usage.use(feature, one.amount, { idempotencyKey }, index).then(
              ({ allow }) => allow,
              ({ code }: { code: string }) => code,
            );
            const wanted = model.use(idempotencyKey, one.amount);
            expect(answer).toBe(wanted === 'reused' ? 'idempotency_key_reused' : wanted);
            const today = await countedToday(feature);
            for (const { id, limit, overage } of model.licenses) {
              expect(today.get(id) ?? 0).toBe(model.used.get(id) ?? 0);
              if (overage === 'refuse') expect(today.get(id) ?? 0).toBeLessThanOrEqual(limit);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);

  it('stay within hard limits, each key counted once, when everything comes at once on two nodes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('max' as const, 'sum' as const),
        fc.array(sold, { minLength: 1, maxLength: 3 }),
        fc.array(use, { minLength: 2, maxLength: 30 }),
        async (combine, licenses, uses) => {
          const hard = licenses.map((license) => ({ ...license, overage: 'refuse' as const }));
          const { feature, prefix, model } = await start(combine, hard);
          const answers = await Promise.all(
            uses.map(async ({ key, amount }, index) => {
              const idempotencyKey = `${prefix}-${key}`;
              const told = usage.use(feature, amount, { idempotencyKey }, index);
              const allow = await told.then(
                (answer) => answer.allow,
                (error: { code: string }) => {
                  expect(error.code).toBe('idempotency_key_reused');
                  return false;
                },
              );
              return { key, amount, allow };
            }),
          );
          const accepted = new Map(
            answers.filter(({ allow }) => allow).map(({ key, amount }) => [key, amount]),
          );
          for (const { key, amount, allow } of answers) if (allow) expect(accepted.get(key)).toBe(amount);
          const sum = [...accepted.values()].reduce((total, amount) => total + amount, 0);
          const today = await countedToday(feature);
          expect([...today.values()].reduce((total, used) => total + used, 0)).toBe(sum);
          expect(await usage.recorded(feature)).toEqual({ uses: accepted.size, amount: sum });
          for (const { id, limit } of model.licenses) expect(today.get(id) ?? 0).toBeLessThanOrEqual(limit);
          const limits = hard.map(({ limit }) => limit);
          const most =
            combine === 'sum' ? limits.reduce((total, limit) => total + limit, 0) : Math.max(...limits);
          expect(sum).toBeLessThanOrEqual(most);
          // nothing that would still have fitted was refused
          const refused = answers.filter(({ key }) => !accepted.has(key)).map(({ amount }) => amount);
          if (refused.length > 0) expect(Math.min(...refused)).toBeGreaterThan(most - sum);
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);

  const countedToday = async (feature: string) => {
    const rows = await usage.world.node.database.query<{ license_id: string; used: string }>(sql`
      SELECT license_id, used FROM usage_counters
       WHERE feature_key = ${feature} AND period_starts_at <= ${usage.clock.now()}
         AND period_ends_at > ${usage.clock.now()}`);
    return new Map(rows.map(({ license_id, used }) => [license_id, Number(used)]));
  };
});
