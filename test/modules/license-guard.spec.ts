import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LicenseChecker, ModuleHealth } from '@core-auth/module-kit';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/answers.js';
import { FakeCoreAuth, licensedSnapshot, ORGANIZATION } from './fake-core-auth.js';
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
    const end = Date.now() + 1000;
    while ((await ask('/api/export')).status !== 200) {
      if (Date.now() > end) throw new Error('the old catalog still counts after a second');
      await sleep(10);
    }
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

  it('decides anew within a second of a license change', async () => {
    expect((await ask()).status).toBe(200);
    core.snapshot = licensedSnapshot({ status: 'suspended' }, 2);
    core.publish('license-changed', ORGANIZATION);
    await sleep(100);
    expect(await ask()).toMatchObject({ status: 403, code: 'SUSPENDED' });
  });

  it('never accepts a lower license version', async () => {
    core.snapshot = licensedSnapshot({ status: 'suspended' }, 7);
    expect((await ask()).code).toBe('SUSPENDED');
    core.snapshot = licensedSnapshot({}, 6);
    core.publish('license-changed', ORGANIZATION);
    await sleep(100);
    expect((await ask()).status).toBe(503);
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
    await sleep(250); // the stream is heard at the new time too, so that only the license is a reason to ask
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
      await sleep(800);
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
      await sleep(800);
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
      await sleep(100);
      expect(await ask()).toMatchObject({ status: 503, code: 'CHECK_UNAVAILABLE' });
    });
  });
});
