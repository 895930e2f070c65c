import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LicenseChecker, ModuleHealth, type Principal } from '@core-auth/module-kit';
import { decide, type LicenseStatus } from '@core-auth/module-kit/licensing';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { eventually } from '../support/answers.js';
import { CLIENT, FakeCoreAuth, licensedSnapshot, ORGANIZATION, USER } from './fake-core-auth.js';
import { startModule, usage, type GuardedModule } from './guarded-module.js';

const SNAPSHOT = '/v1/licenses/snapshot';

describe('the license check in a module guard', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;
  let token: string;

  beforeEach(async () => {
    core = await FakeCoreAuth.start();
    module = await startModule(core, { staleAllowanceSeconds: 60 });
    await module.listening();
    token = await core.accessToken(module.url);
    usage.projects = 0;
  });
  afterEach(async () => {
    await module.stop();
    await core.stop();
  });

  const ask = async (path = '/api/licensed'): Promise<{ status: number; code?: string; detail?: string }> => {
    const response = await fetch(module.url + path, { headers: { authorization: `Bearer ${token}` } });
    const { code, detail } = (await response.json()) as { code?: string; detail?: string };
    return { status: response.status, ...(code ? { code } : {}), ...(detail ? { detail } : {}) };
  };

  it('loads the snapshot before the first answer, once however many ask', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(core.count(SNAPSHOT)).toBe(1);
  });

  it('loads the snapshot again when the catalog has changed, whoever is licensed', async () => {
    expect((await ask()).status).toBe(200);
    core.snapshot = licensedSnapshot({ features: { projects: 0, export: true } }, 1);
    core.publish('catalog-changed', 'projects');
    await eventually(async () => (await ask('/api/export')).status === 200 || undefined, 'the new catalog');
  });

  it('asks nothing further while the stream is heard', async () => {
    for (let request = 0; request < 5; request += 1) await ask();
    expect(core.count(SNAPSHOT)).toBe(1);
  });

  it('refuses with the decision code and says who to ask', async () => {
    core.snapshot = licensedSnapshot({ status: 'revoked' });
    expect(await ask()).toEqual({
      status: 403,
      code: 'REVOKED',
      detail: 'acme has no license for Projects. Ask an owner or administrator of acme to get one.',
    });
  });

  it('decides anew when it hears of a license change', async () => {
    expect((await ask()).status).toBe(200);
    core.snapshot = licensedSnapshot({ status: 'suspended' }, 2);
    core.publish('license-changed', ORGANIZATION);
    const refused = await eventually(async () => {
      const answer = await ask();
      return answer.status === 200 ? undefined : answer;
    }, 'the change');
    expect(refused).toMatchObject({ status: 403, code: 'SUSPENDED' });
  });

  it('never accepts a lower license version', async () => {
    core.snapshot = licensedSnapshot({ status: 'suspended' }, 7);
    expect((await ask()).code).toBe('SUSPENDED');
    core.snapshot = licensedSnapshot({}, 6);
    core.publish('license-changed', ORGANIZATION);
    await eventually(async () => (await ask()).status === 503 || undefined, 'the doubt');
  });

  it('takes no snapshot of another organization than it asked for', async () => {
    const snapshot = licensedSnapshot();
    core.snapshot = { ...snapshot, organization: { ...snapshot.organization, id: USER } };
    expect(await ask()).toMatchObject({ status: 503, code: 'CHECK_UNAVAILABLE' });
  });

  it('checks boolean features, and limits against what is in use', async () => {
    expect(await ask('/api/export')).toMatchObject({ status: 403, code: 'FEATURE_NOT_INCLUDED' });
    usage.projects = 4;
    expect((await ask('/api/limited')).status).toBe(200);
    usage.projects = 5;
    expect(await ask('/api/limited')).toMatchObject({ status: 403, code: 'LIMIT_EXCEEDED' });
  });

  it('asks again at the instant at which a license ends, and applies the end itself', async () => {
    core.snapshot = licensedSnapshot({ endsAt: new Date(Date.now() + 60_000).toISOString() });
    expect((await ask()).status).toBe(200);
    module.clock.aheadMs += 60_001;
    await module.listening(); // at the new time too, so that only the license is a reason to ask
    expect(await ask()).toMatchObject({ status: 403, code: 'EXPIRED' });
    expect(core.count(SNAPSHOT)).toBe(2);
  });

  describe('when the clock of the host is set to another time', () => {
    const soon = () => licensedSnapshot({ endsAt: new Date(Date.now() + 60_000).toISOString() });

    it('set back, it gives nothing back that has ended, and does not hold up what is about to', async () => {
      core.snapshot = soon();
      expect((await ask()).status).toBe(200);
      module.clock.setMs = -120_000;
      expect((await ask()).status).toBe(200);
      module.clock.aheadMs += 62_000;
      core.aheadMs += 62_000;
      expect(await ask()).toMatchObject({ status: 403, code: 'EXPIRED' });
      module.clock.setMs = -86_400_000;
      expect(await ask()).toMatchObject({ status: 403, code: 'EXPIRED' });
    });

    it('ahead by mistake and right again, it leaves nothing refused', async () => {
      core.snapshot = soon();
      expect((await ask()).status).toBe(200);
      module.clock.setMs = 86_400_000;
      expect((await ask()).status).not.toBe(200);
      module.clock.setMs = 0;
      await eventually(async () => ((await ask()).status === 200 ? true : undefined), 'an allow');
    });

    it('set back, it makes no silent stream look heard and no old snapshot new', async () => {
      expect((await ask()).status).toBe(200);
      core.streaming = false;
      core.down.add(SNAPSHOT);
      module.clock.aheadMs += 30_000;
      module.clock.setMs = -240_000;
      const { hearing, secondsSinceHeard, oldestSnapshotSeconds } = module.app.get(ModuleHealth).snapshot();
      expect(hearing).toBe(false);
      expect(Math.min(secondsSinceHeard ?? 0, oldestSnapshotSeconds ?? 0)).toBeGreaterThanOrEqual(29);
      expect((await ask()).status).toBe(200);
      expect(module.app.get(LicenseChecker).counts.list()).toContainEqual({
        code: 'OK_STALE',
        source: 'stale',
        count: 1,
      });
      module.clock.aheadMs += 30_001;
      expect(await ask()).toMatchObject({ status: 503, code: 'CHECK_UNAVAILABLE' });
    });

    it('asks again once the host has slept, though its monotonic clock stood still', async () => {
      expect((await ask()).status).toBe(200);
      core.streaming = false;
      core.down.add(SNAPSHOT);
      module.clock.setMs = 60_001;
      expect(module.app.get(ModuleHealth).snapshot().hearing).toBe(false);
      expect(await ask()).toMatchObject({ status: 503, code: 'CHECK_UNAVAILABLE' });
    });
  });

  describe('when pushes are lost', () => {
    it('holds a snapshot for 5 s from when it was asked for, however often it is used', async () => {
      expect((await ask()).status).toBe(200);
      core.streaming = false;
      await module.silent();
      core.snapshot = licensedSnapshot({ status: 'suspended' }, 2);
      await ask();
      const held = core.count(SNAPSHOT);
      module.clock.aheadMs += 5001;
      expect(await ask()).toMatchObject({ code: 'SUSPENDED' });
      expect(core.count(SNAPSHOT)).toBe(held + 1);
    });
  });

  describe('when license snapshots cannot be had', () => {
    const lose = async () => {
      core.streaming = false;
      core.down.add(SNAPSHOT);
      await module.silent();
      module.clock.aheadMs += 5001;
    };

    it('answers CHECK_UNAVAILABLE without a snapshot', async () => {
      core.down.add(SNAPSHOT);
      expect(await ask()).toMatchObject({ status: 503, code: 'CHECK_UNAVAILABLE' });
    });

    it('serves the last verified allow for its window, which failures do not renew', async () => {
      expect((await ask()).status).toBe(200);
      await lose();
      expect((await ask()).status).toBe(200);
      module.clock.aheadMs += 50_000;
      expect((await ask()).status).toBe(200);
      module.clock.aheadMs += 10_000;
      expect(await ask()).toMatchObject({ status: 503, code: 'CHECK_UNAVAILABLE' });
    });

    it('applies an end inside the window', async () => {
      core.snapshot = licensedSnapshot({ endsAt: new Date(Date.now() + 30_000).toISOString() });
      expect((await ask()).status).toBe(200);
      await lose();
      module.clock.aheadMs += 30_000;
      expect(await ask()).toMatchObject({ status: 403, code: 'EXPIRED' });
    });

    it('never makes an allow of a denial, not even of a license that would begin', async () => {
      core.snapshot = licensedSnapshot({ startsAt: new Date(Date.now() + 10_000).toISOString() });
      expect(await ask()).toMatchObject({ code: 'NOT_STARTED' });
      await lose();
      module.clock.aheadMs += 10_000;
      expect(await ask()).toMatchObject({ status: 403, code: 'NOT_STARTED' });
    });

    it('does not serve an allow that a change heard since has overtaken', async () => {
      expect((await ask()).status).toBe(200);
      core.down.add(SNAPSHOT);
      core.publish('license-changed', ORGANIZATION);
      const doubted = await eventually(async () => {
        const answer = await ask();
        return answer.status === 200 ? undefined : answer;
      }, 'the change');
      expect(doubted).toMatchObject({ status: 503, code: 'CHECK_UNAVAILABLE' });
    });
  });

  it('property 5: while Core Auth is away it allows what it allowed and the licenses still give, for its window, and nothing else', async () => {
    const seconds = fc.integer({ min: -90, max: 90 });
    const sold = fc.record({
      startsAt: seconds,
      lasts: fc.option(fc.integer({ min: 1, max: 180 })),
      graceDays: fc.constantFrom(0, 1),
      status: fc.constantFrom('issued', 'issued', 'issued', 'issued', 'suspended', 'revoked'),
      seats: fc.constantFrom(null, null, [USER], []),
      exports: fc.boolean(),
    });
    let now = Date.now();
    module.clock.held = () => now;
    core.streaming = false;
    const question = { feature: 'export' };
    const checker = module.app.get(LicenseChecker);
    await fc.assert(
      fc.asyncProperty(
        fc.array(sold, { minLength: 1, maxLength: 3 }),
        fc.oneof(fc.integer({ min: 0, max: 90_000 }), fc.constantFrom(0, 4000, 60_000, 60_001)),
        async (all, later) => {
          const organization = { id: randomUUID(), key: 'acme' };
          const snapshot = {
            ...licensedSnapshot(),
            organization: { ...organization, state: 'active' as const },
            licenses: all.flatMap((one, index) => licensesFrom(`license-${index}`, now, one)),
          };
          core.snapshot = snapshot;
          core.down.clear();
          const principal: Principal = {
            ...{
              subject: USER,
              clientId: CLIENT.id,
              scopes: new Set<string>(),
              permissions: new Set<string>(),
            },
            ...{ user: { id: USER, roles: [] }, organization, accessToken: '' },
          };
          const before = await checker.decide(principal, question);
          core.down.add(SNAPSHOT);
          now += later;
          const asked = { userId: USER, module: 'projects', environment: 'production', ...question };
          const given = decide(snapshot, asked, new Date(now)).allow;
          const after = await checker.decide(principal, question);
          expect(after.allow).toBe(before.allow && given && later <= 60_000);
        },
      ),
      { numRuns: 200 },
    );
  });
});

interface Sold {
  readonly startsAt: number;
  readonly lasts: number | null;
  readonly graceDays: number;
  readonly status: LicenseStatus;
  readonly seats: readonly string[] | null;
  readonly exports: boolean;
}

/** A license whose times are told in seconds from an instant, as snapshots carry it. */
function licensesFrom(id: string, now: number, { lasts, seats, exports, ...sold }: Sold) {
  const instant = (after: number) => new Date(now + after * 1000).toISOString();
  const startsAt = instant(sold.startsAt);
  const terms = {
    ...{ effectiveAt: startsAt, surplusUntil: null, features: { export: exports } },
    ...(seats
      ? ({ seatModel: 'named', seatLimit: 5 } as const)
      : ({ seatModel: 'unlimited', seatLimit: null } as const)),
  };
  const endsAt = lasts === null ? null : instant(sold.startsAt + lasts);
  return licensedSnapshot({ ...sold, id, startsAt, endsAt, terms: [terms], seats: seats ?? [] }).licenses;
}
