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
      let failures = 1;
      if (before && now - before.last <= DAY) {
        const forgotten = forgets === null ? 0 : Math.floor((now - before.last) / forgets);
        failures = Math.max(0, before.failures - forgotten) + 1;
      }
      this.counts.set(subject, { failures, last: now, until: now + delayAt(failures, limit) });
    }
    return undefined;
  }

  succeeded(attempt: Attempt, now: number): void {
    const limits = limitsOf(attempt, FREE, digests);
    const own = this.counts.get(limits.at(-1)?.subject ?? '')?.failures ?? 0;
    for (const { subject, ...limit } of limits) {
      const count = this.counts.get(subject);
      if (!count) continue;
      count.failures -= own;
      if (count.failures <= 0) this.counts.delete(subject);
      else count.until = now + delayAt(count.failures, limit);
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
          model.succeeded(attempt, now);
          await lockout.succeeded(attempt);
        }
      }),
      { numRuns: 40 },
    );
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
