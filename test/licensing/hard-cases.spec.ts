import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import {
  LicenseTermsRepository,
  readImport,
  SeatImportRepository,
  SeatRepository,
  SeatReservationRepository,
} from '#licensing';
import { Database, PublicError, RedisConnection, sql } from '#platform';
import { eventually } from '../support/answers.js';
import { RedisServer } from '../support/redis.js';
import { basic, World } from '../support/world.js';
import { outcome, tally } from './seat-helpers.js';

const DAY = 86_400_000;
const ROUNDS = 5;

/** The others: 3, 6 and 7 in test/modules, 4 in time-zones.spec, 9 in offline.spec, 10 in usage-quota.spec. */
describe('hard cases of licensing at two servers with Redis', () => {
  let redis: RedisServer;
  let world: World;
  let nodes: readonly World[];
  let people: string[];
  const emails = Array.from({ length: 52 }, (_, index) => `person-${index}@initech.example`);

  beforeAll(async () => {
    redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url };
    world = await World.start({ env });
    nodes = [world, await World.start({ env, beside: world })];
    await world.createOrganization('initech', 'Initech');
    people = [];
    for (const email of emails) people.push(await world.createPerson(email, 'P', { initech: 'member' }));
    for (const node of nodes) {
      await eventually(() => node.app.get(RedisConnection).ready || undefined, 'Redis');
    }
  }, 120_000);
  afterAll(async () => {
    await nodes[1]?.stop();
    await world.stop();
    await redis.stop();
  });

  const at = (index: number): World => nodes[index % nodes.length] ?? world;
  const assign = (licenseId: string, person: number, node = at(person)) =>
    node.app.get(SeatRepository).assignSeat(licenseId, people[person] ?? '', 'test');
  const licensed = (seatLimit: number, more: Parameters<World['license']>[2] = {}) =>
    world.license('initech', 'reports', { seatModel: 'named', seatLimit, ...more });
  const seated = async (licenseId: string): Promise<number> => {
    const [row] = await world.app.get(Database).query<{ count: number }>(sql`
      SELECT (SELECT count(*) FROM seat_assignments WHERE license_id = ${licenseId} AND released_at IS NULL)::int
           + (SELECT count(*) FROM seat_reservations WHERE license_id = ${licenseId})::int AS count`);
    return row?.count ?? 0;
  };
  const end = async (licenseId: string) => world.licenses.changeStatus(licenseId, 'revoked', 'test');
  /** What a node answers a module about a person. */
  const check = async (node: World, person: number): Promise<string> => {
    // terms hold from the instant at which the database wrote them
    if (world.clock.now() < new Date()) world.clock.set(new Date(Date.now() + 1));
    const response = await fetch(`${node.url}/v1/licenses/check`, {
      method: 'POST',
      headers: { authorization: basic(world.client('reports')), 'content-type': 'application/json' },
      body: JSON.stringify({ organization_id: world.id('initech'), user_id: people[person] }),
    });
    return ((await response.json()) as { code: string }).code;
  };

  it('hard case 1: 50 concurrent assignments by mixed paths, one seat left, two nodes: 1 success, 49 SEATS_EXHAUSTED, no deadlock', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const licenseId = await licensed(3);
      for (const person of [50, 51]) await assign(licenseId, person);
      const ways = [
        (person: number, node: World) => assign(licenseId, person, node),
        (person: number, { app }: World) => {
          const id = people[person] ?? '';
          return app.get(SeatRepository).assignSeat(licenseId, id, id, 'first-use');
        },
        (_: number, { app }: World) =>
          app
            .get(SeatReservationRepository)
            .reserveSeat(licenseId, randomUUID(), new Date(Date.now() + DAY), 'test'),
        async (person: number, { app }: World) => {
          const lines = readImport(Buffer.from(`email,license\n${emails[person]},${licenseId}\n`));
          const target = { organizationKey: 'initech', moduleKey: 'reports' };
          const run = (): ReturnType<SeatImportRepository['run']> =>
            app
              .get(SeatImportRepository)
              .run(lines, target, 'test')
              .catch((error: { code?: string }) => {
                // one import of an organization at a time: the others come again
                if (error.code === 'import_under_way') return run();
                throw error;
              });
          const [line] = await run();
          if (line?.outcome !== 'assigned') throw new PublicError(403, line?.code ?? 'none', 'Not assigned.');
        },
      ];
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, async (_, person) => {
          // by fours, so that each way is gone at both nodes
          const way = ways[(person >> 1) % ways.length];
          return outcome(way?.(person, at(person)) ?? Promise.reject(new Error('there is no such way')));
        }),
      );
      expect(tally(outcomes)).toEqual({ ok: 1, SEATS_EXHAUSTED: 49 });
      expect(await seated(licenseId)).toBe(3);
      await end(licenseId);
    }
  }, 120_000);

  it('hard case 2: one person assigned twice at once at two nodes gets one seat, and both calls succeed', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const licenseId = await licensed(5);
      const [one, two] = await Promise.all(nodes.map((node) => assign(licenseId, round, node)));
      expect(one?.seatId).toBe(two?.seatId);
      expect([one?.assigned, two?.assigned].toSorted()).toEqual([false, true]);
      expect(await seated(licenseId)).toBe(1);
      expect(await Promise.all(nodes.map((node) => check(node, round)))).toEqual(['OK', 'OK']);
      await end(licenseId);
    }
  });

  it('hard case 5: over-allocated and expired is EXPIRED at both nodes, for those seated and for those not', async () => {
    const licenseId = await licensed(10, { endsAt: new Date(world.clock.now().getTime() + DAY) });
    for (let person = 0; person < 8; person += 1) await assign(licenseId, person);
    const surplusUntil = new Date(Date.now() + 30 * DAY);
    await world.app
      .get(LicenseTermsRepository)
      .changeTerms({ licenseId, seatLimit: 5, surplusUntil }, 'test');
    const answers = async () => {
      const all: string[] = [];
      for (const node of nodes) for (const person of [0, 7, 20]) all.push(await check(node, person));
      return all;
    };
    expect(await answers()).toEqual(['OK', 'OK', 'OVER_ALLOCATED', 'OK', 'OK', 'OVER_ALLOCATED']);
    world.clock.advance(DAY);
    expect(await answers()).toEqual(Array(6).fill('EXPIRED'));
    world.clock.set(new Date());
    await end(licenseId);
  });

  it('hard case 8: shrink 10 to 5 with 8 seated, racing an assignment at the other node: refused, nothing deleted; forced, OVER_ALLOCATED, and no new seat', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const forced of [false, true]) {
        const licenseId = await licensed(10);
        for (let person = 0; person < 8; person += 1) await assign(licenseId, person);
        const surplusUntil = new Date(Date.now() + 7 * DAY);
        const change = { licenseId, seatLimit: 5, ...(forced ? { surplusUntil } : {}) };
        const [shrunk, came] = await Promise.all([
          outcome(at(round).app.get(LicenseTermsRepository).changeTerms(change, 'test')),
          outcome(assign(licenseId, 8, at(round + 1))),
        ]);
        const now = await seated(licenseId);
        if (forced) {
          expect(shrunk).toBe('ok');
          expect([came, now]).toEqual(came === 'ok' ? ['ok', 9] : ['OVER_ALLOCATED', 8]);
          expect(await outcome(assign(licenseId, 9))).toBe('OVER_ALLOCATED');
          for (const node of nodes) {
            expect([await check(node, 7), await check(node, 9)]).toEqual(['OK', 'OVER_ALLOCATED']);
          }
        } else {
          expect([shrunk, came, now]).toEqual(['seats_in_use', 'ok', 9]);
        }
        await end(licenseId);
      }
    }
  }, 120_000);
});
