import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { Configuration, Database, KeyedDigest } from '#platform';
import { LockoutRepository } from '#sessions';
import { limitsOf, type Attempt, type Limit } from '../../libs/sessions/lockout.js';
import { TestClock } from '../support/test-clock.js';
import { World } from '../support/world.js';

jest.setTimeout(120_000);

const FREE = 3;
const DAY = 86_400;
const digests = new KeyedDigest([{ kid: 'test', secret: randomBytes(32) }]);

interface Count {
  failures: number;
  last: number;
  until: number;
}

/** What the repository does by statements, told once more in the simplest words; times in seconds. */
class Model {
  private readonly counts = new Map<string, Count>();

  begin(attempt: Attempt, now: number): number | undefined {
    const limits = limitsOf(attempt, FREE, digests);
    const untils = limits
      .map(({ subject }) => this.counts.get(subject)?.until ?? 0)
      .filter((until) => until > now);
    if (untils.length > 0) return Math.max(...untils);
    for (const { subject, forgets, ...limit } of limits) {
      const before = this.counts.get(subject);
      let [kept, last] = [0, now];
      if (before && now - before.last <= DAY) {
        const forgotten = forgets === null ? 0 : Math.floor((now - before.last) / forgets);
        kept = Math.max(0, before.failures - forgotten);
        if (forgets !== null && kept > 0) last = before.last + forgotten * forgets;
      }
      this.counts.set(subject, { failures: kept + 1, last, until: now + delayAt(kept + 1, limit) });
    }
    return undefined;
  }

  succeeded(attempt: Attempt): void {
    const limits = limitsOf(attempt, FREE, digests);
    const own = this.counts.get(limits.at(-1)?.subject ?? '')?.failures ?? 0;
    for (const { subject } of limits) {
      const count = this.counts.get(subject);
      if (!count) continue;
      count.failures -= own;
      if (count.failures <= 0) this.counts.delete(subject);
      else count.until = 0;
    }
  }
}

function delayAt(
  failures: number,
  { owned, free, delays }: Pick<Limit, 'owned' | 'free' | 'delays'>,
): number {
  if (owned && failures >= 100) return DAY;
  return failures < free ? 0 : (delays[Math.min(failures - free, delays.length - 1)] ?? 0);
}

describe('counting failures, whatever happens in whichever order', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.stop());

  const tries = fc.record({
    account: fc.nat(1),
    network: fc.nat(2),
    device: fc.option(fc.nat(1), { nil: undefined, freq: 4 }),
    right: fc.boolean(),
    pause: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 4000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 80_000, max: 90_000 }) },
    ),
  });

  it('who is delayed, and until when, is what the rules say', async () => {
    const configuration = Configuration.load({ ...world.env, CORE_AUTH_SIGN_IN_FAILURES: String(FREE) });
    await fc.assert(
      fc.asyncProperty(fc.array(tries, { minLength: 10, maxLength: 80 }), async (history) => {
        const start = new Date('2026-01-01T00:00:00Z');
        const clock = new TestClock(start);
        const lockout = new LockoutRepository(
          world.app.get(Database),
          clock,
          configuration,
          world.app.get(KeyedDigest),
        );
        const model = new Model();
        const ids = [randomUUID(), randomUUID()];
        for (const { account, network, device, right, pause } of history) {
          clock.advance(pause * 1000);
          const now = (clock.now().getTime() - start.getTime()) / 1000;
          const attempt = {
            email: `${ids[account]}@acme.example`,
            network: `${ids[0]}|${network}`,
            userId: ids[account],
            deviceId: device === undefined ? undefined : `${ids[account]}|${device}`,
          };
          const expected = model.begin(attempt, now);
          const delay = await lockout.begin(attempt);
          expect(delay && (delay.until.getTime() - start.getTime()) / 1000).toBe(expected);
          if (delay || !right) continue;
          model.succeeded(attempt);
          await lockout.succeeded(attempt);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('a right password delays nobody, of the account as of the network', async () => {
    const clock = new TestClock();
    const lockout = new LockoutRepository(
      world.app.get(Database),
      clock,
      Configuration.load({ ...world.env, CORE_AUTH_SIGN_IN_FAILURES: String(FREE) }),
      world.app.get(KeyedDigest),
    );
    const from = (network: string, email = randomUUID()) => ({
      ...{ email, network, userId: undefined, deviceId: undefined },
    });
    const right = async (attempt: Attempt) => {
      const delay = await lockout.begin(attempt);
      if (!delay) await lockout.succeeded(attempt);
      return delay;
    };
    const [email, network] = [randomUUID(), randomUUID()];
    for (let wrong = 0; wrong < FREE; wrong += 1) await lockout.begin(from(randomUUID(), email));
    for (let wrong = 0; wrong < FREE * 10; wrong += 1) await lockout.begin(from(network));
    expect(await lockout.begin(from(randomUUID(), email))).toBeDefined();
    expect(await lockout.begin(from(network))).toBeDefined();
    clock.advance(30_001);
    for (let people = 0; people < 5; people += 1) {
      expect(await right(from(randomUUID(), email))).toBeUndefined();
      expect(await right(from(network))).toBeUndefined();
    }
    // a minute between two sign-ins, and yet the network forgets one of its failures every 72 seconds
    for (let minute = 0; minute < 60 * FREE * 2; minute += 1) {
      clock.advance(60_000);
      expect(await right(from(network))).toBeUndefined();
    }
    for (let wrong = 0; wrong < FREE * 10; wrong += 1) {
      expect(await lockout.begin(from(network))).toBeUndefined();
    }
  });

  it('tries below the limit go on at once, whichever node’s clock is behind, and each counts once', async () => {
    const [ahead, behind] = [new TestClock(), new TestClock()];
    ahead.advance(20_000);
    const [one, other] = [ahead, behind].map(
      (clock) =>
        new LockoutRepository(
          world.app.get(Database),
          clock,
          Configuration.load({ ...world.env, CORE_AUTH_SIGN_IN_FAILURES: String(FREE) }),
          world.app.get(KeyedDigest),
        ),
    );
    const [email, network] = [randomUUID(), randomUUID()];
    const attempt = { email, network, userId: undefined, deviceId: undefined };
    expect(await one?.begin(attempt)).toBeUndefined();
    expect(await other?.begin(attempt)).toBeUndefined();
    expect(await one?.begin(attempt)).toBeUndefined();
    expect(await other?.begin(attempt)).toBeDefined();
  });

  it('of sixty tries at once at one account five go on, thirty times over', async () => {
    const lockout = world.app.get(LockoutRepository);
    for (let round = 0; round < 30; round += 1) {
      const [email, network] = [randomUUID(), randomUUID()];
      const delays = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          lockout.begin({ email, network: `${network}|${index}`, userId: undefined, deviceId: undefined }),
        ),
      );
      expect(delays.filter((delay) => delay === undefined)).toHaveLength(5);
    }
  });

  it('right and wrong tries at once, of the same accounts from the same networks, are all decided', async () => {
    const lockout = world.app.get(LockoutRepository);
    const ids = [randomUUID(), randomUUID()];
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          const [email = '', network = ''] = [ids[index % 2], ids[(index >> 1) % 2]];
          const attempt = { email, network, userId: undefined, deviceId: undefined };
          if (!(await lockout.begin(attempt)) && index % 3 > 0) await lockout.succeeded(attempt);
        }),
      );
      for (const email of ids) await lockout.forget(email, ids);
    }
  });
});
