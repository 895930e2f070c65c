import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ModuleHealth, type HealthSnapshot } from '@core-auth/module-kit';
import { FakeCoreAuth } from './fake-core-auth.js';
import { startModule, type GuardedModule } from './guarded-module.js';

describe('how current a module is', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;
  let reported: HealthSnapshot[];

  beforeEach(async () => {
    core = await FakeCoreAuth.start();
    reported = [];
    module = await startModule(core, { onHealth: (health) => reported.push(health) });
  });
  afterEach(async () => {
    await module.stop();
    await core.stop();
  });

  const health = () => module.app.get(ModuleHealth);
  const ask = async (path: string) => {
    const token = await core.accessToken(module.url, { iat: Math.floor(Date.now() / 1000) - 60 });
    const response = await fetch(module.url + path, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
  };

  it('is measured: what is heard, what is remembered, how old it is and how often Core Auth was asked', async () => {
    await module.listening();
    await ask('/api/read');
    await ask('/api/licensed');
    module.clock.aheadMs += 400;
    expect(health().snapshot()).toEqual({
      hearing: true,
      secondsSinceHeard: expect.any(Number),
      heardSince: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      tokensRemembered: 2,
      introspections: 2,
      snapshotsRemembered: 1,
      oldestSnapshotSeconds: expect.any(Number),
      decisions: [{ code: 'OK', source: 'stream', count: 1 }],
      leasesHeld: 0,
      keysSeconds: expect.any(Number),
    });
    const { oldestSnapshotSeconds, keysSeconds } = health().snapshot();
    expect(oldestSnapshotSeconds).toBeGreaterThanOrEqual(0.4);
    expect(keysSeconds).toBeGreaterThanOrEqual(0.4);
    expect(health().indicator('core-auth')).toMatchObject({ 'core-auth': { status: 'up', hearing: true } });
  });

  it('says that it is deaf, and for how long, when the stream falls silent', async () => {
    await module.listening();
    core.streaming = false;
    await module.silent();
    const { hearing, secondsSinceHeard } = health().snapshot();
    expect(hearing).toBe(false);
    expect(secondsSinceHeard).toBeGreaterThan(0.6);
    expect(health().indicator('core-auth')['core-auth'].status).toBe('down');
  });

  it('is reported from the start, before anything has been heard, with no age of what there is not', async () => {
    expect(reported[0]).toEqual({
      hearing: false,
      secondsSinceHeard: null,
      heardSince: null,
      tokensRemembered: 0,
      introspections: 0,
      snapshotsRemembered: 0,
      oldestSnapshotSeconds: null,
      decisions: [],
      leasesHeld: 0,
      keysSeconds: null,
    });
  });
});
