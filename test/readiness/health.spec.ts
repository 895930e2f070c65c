import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '#platform';
import { KeyRing } from '#tokens';
import { controls } from '../../libs/readiness/controls/index.js';
import { ControlContexts } from '../../libs/readiness/control-contexts.js';
import { ProcessIndicator } from '../../libs/readiness/probes/indicators.js';
import type { ReadinessReport } from '#readiness';
import { faulty } from './faulty.js';
import { ReadinessWorld } from './readiness-world.js';

let readiness: ReadinessWorld;

beforeAll(async () => {
  readiness = await ReadinessWorld.start();
}, 60_000);

afterAll(() => readiness.stop());

async function probe(name: 'live' | 'ready' | 'startup') {
  const response = await fetch(`${readiness.world.url}/health/${name}`);
  const body = (await response.json()) as { status: string; details: Record<string, { status: string }> };
  return { status: response.status, body };
}

describe('/readiness', () => {
  it('answers soon after the start with all 147 items in order, each with its evidence, none green by declaration', async () => {
    const start = performance.now();
    const response = await fetch(`${readiness.world.url}/readiness`);
    const report = (await response.json()) as ReadinessReport;
    expect(performance.now() - start).toBeLessThan(6_000);
    expect(response.headers.get('content-type')).toMatch('application/json');
    expect(report.items.map(({ number }) => number)).toEqual(
      Array.from({ length: 147 }, (_, index) => index + 1),
    );
    expect(report).toMatchObject({
      environment: 'test',
      instance: readiness.world.app.get(ControlContexts).instance,
    });
    const covered = new Set(controls.map(({ id }) => id));
    for (const { id, state, evidence } of report.items) {
      expect(evidence.seen).not.toBe('');
      if (state === 'verified' || state === 'not-applicable') expect(covered).toContain(id);
      if (state === 'failed')
        expect(evidence).toMatchObject({ expected: expect.any(String), mend: expect.any(String) });
      if (state === 'unknown') expect(evidence.missing).toEqual(expect.any(String));
    }
    const { summary } = report;
    expect(summary.verified).toBeGreaterThan(0);
    expect(summary.verified + summary.failed + summary.unknown + summary.notApplicable).toBe(147);
  });

  it('names whoever is signed in, and shows the report to nobody in particular while the database is away', async () => {
    const { browser } = await readiness.world.signedInClient();
    expect(await (await browser.get('/readiness')).text()).toContain('Max Member');
    await faulty(
      readiness.world.app.get(Database),
      'query',
      () => Promise.reject(new Error('down')),
      async () => {
        const answer = await browser.get('/readiness');
        expect(answer.status).toBe(200);
        const page = await answer.text();
        expect(page).toContain('Production readiness');
        expect(page).not.toContain('Max Member');
      },
    );
  });

  it('shows nobody who is signed in to a probe, and the probe to nobody', async () => {
    const { browser } = await readiness.world.signedInClient();
    const launcher = await (await browser.get('/')).text();
    expect(launcher).not.toMatch(/readiness.probe/i);
  });
});

describe('/health', () => {
  it('live, ready and startup answer 200 while all is well; live names the instance', async () => {
    expect(await probe('live')).toMatchObject({
      status: 200,
      body: { details: { process: { instance: expect.any(String) } } },
    });
    expect(await probe('startup')).toMatchObject({ status: 200 });
    expect(await probe('ready')).toMatchObject({
      status: 200,
      body: {
        details: {
          database: { status: 'up' },
          migrations: { status: 'up' },
          'signing-key': { status: 'up' },
          redis: { status: 'up' },
        },
      },
    });
  });

  it('ready is 503 with a pending migration and with no signing key; live stays 200', async () => {
    await readiness.sql("UPDATE migrations SET name = 'Gone' WHERE name = 'Events1700000000006'");
    expect(await probe('ready')).toMatchObject({
      status: 503,
      body: { details: { migrations: { status: 'down' } } },
    });
    expect(await probe('live')).toMatchObject({ status: 200 });
    await readiness.sql("UPDATE migrations SET name = 'Events1700000000006' WHERE name = 'Gone'");
    const keyRing = readiness.world.app.get(KeyRing);
    Object.defineProperty(keyRing, 'loaded', { value: false, configurable: true });
    expect(await probe('ready')).toMatchObject({
      status: 503,
      body: { details: { 'signing-key': { status: 'down' } } },
    });
    delete (keyRing as { loaded?: boolean }).loaded;
    expect(await probe('ready')).toMatchObject({ status: 200 });
  });

  it('ready is 503 while the database does not answer, live 200, and ready again after', async () => {
    const { dataSource } = readiness.world.app.get(Database);
    await faulty(
      dataSource,
      'query',
      () => Promise.reject(new Error('down')),
      async () => {
        expect(await probe('ready')).toMatchObject({
          status: 503,
          body: { details: { database: { status: 'down' } } },
        });
        expect(await probe('live')).toMatchObject({ status: 200 });
        expect(await probe('startup')).toMatchObject({ status: 200 });
      },
    );
    expect(await probe('ready')).toMatchObject({ status: 200 });
  });

  it('ready is 503 from the first step of a shutdown', async () => {
    readiness.world.app.get(ProcessIndicator).onModuleDestroy();
    expect(await probe('ready')).toMatchObject({
      status: 503,
      body: { details: { process: { message: 'stopping' } } },
    });
    expect(await probe('live')).toMatchObject({ status: 200 });
  });
});
