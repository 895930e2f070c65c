import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomSecret } from '#platform';
import { readBuildManifest } from '../../libs/readiness/build-manifest.js';
import { jwtSecret } from '../../libs/readiness/controls/config/jwt-secret.control.js';
import {
  loadBalancer,
  scaledLoadBalancer,
} from '../../libs/readiness/controls/config/load-balancer.control.js';
import { nodeEnv } from '../../libs/readiness/controls/config/node-env.control.js';
import type { DatabaseEvidence } from '../../libs/readiness/controls/config/database.repository.js';
import { environment } from '../../libs/readiness/controls/deploy/environment.control.js';
import { health } from '../../libs/readiness/controls/deploy/health.control.js';
import { logLevels, logRotationOf } from '../../libs/readiness/controls/monitoring/log.control.js';
import { network } from '../../libs/readiness/controls/performance/network.control.js';
import { autoScaling, cpu, memory } from '../../libs/readiness/controls/performance/process.control.js';
import { strict } from '../../libs/readiness/controls/quality/strict.control.js';
import { secretsStored } from '../../libs/readiness/controls/security/secrets-stored.control.js';
import { secureCookies } from '../../libs/readiness/controls/security/secure-cookies.control.js';
import { httpsEnforced } from '../../libs/readiness/controls/security/https-enforced.control.js';
import { tlsCertificates } from '../../libs/readiness/controls/config/network.control.js';
import type { HttpProbe, ProbeRequest, ProbeResponse } from '../../libs/readiness/http-probe.js';
import type { MemorySample, Vitals } from '../../libs/readiness/vitals.js';
import { eventually } from '../support/answers.js';
import { configurationWith, ReadinessWorld } from './readiness-world.js';

let readiness: ReadinessWorld;

beforeAll(async () => {
  readiness = await ReadinessWorld.start();
}, 60_000);

afterAll(() => readiness.stop());

const key = (kid: string, secret: Buffer = Buffer.from(randomSecret(), 'base64url')) => ({ kid, secret });

/** The database of the world, with other processes connected to it. */
function connected(applications: readonly string[]): DatabaseEvidence {
  const { database } = readiness.context;
  return Object.create(database, {
    capacity: { value: async () => ({ maxConnections: 100, reserved: 3, applications }) },
  }) as DatabaseEvidence;
}

function answering(
  answer: (url: URL, options: ProbeRequest) => Partial<ProbeResponse> | undefined,
): HttpProbe {
  const { http } = readiness.context;
  return Object.create(http, {
    request: {
      value: async (url: URL | string, options: ProbeRequest = {}) => {
        const real = await http.request(url, options);
        const changed = answer(new URL(url), options);
        return { ...real, ...changed, headers: { ...real.headers, ...changed?.headers } };
      },
    },
  }) as HttpProbe;
}

describe('on plain http, as in development', () => {
  it.each([httpsEnforced, secureCookies, tlsCertificates])(
    '$id is red and says what mends it',
    async (control) => {
      expect(await readiness.verify(control)).toMatchObject({
        state: 'failed',
        mend: expect.stringContaining('https'),
      });
    },
  );
});

describe('config.env.node-env', () => {
  const production = { environment: 'production' as const, issuer: 'https://auth.corp.invalid' };

  it('is red in development, red with demonstration data, red with a mailbox, verified otherwise', async () => {
    expect(await readiness.verify(nodeEnv)).toMatchObject({ state: 'failed', seen: 'NODE_ENV=test' });
    const configuration = configurationWith(readiness.configuration, production);
    expect(await readiness.verify(nodeEnv, { configuration })).toMatchObject({
      state: 'failed',
      expected: 'no demonstration data',
    });
    const security = Object.create(readiness.context.security, {
      demonstrationAccounts: { value: async () => 0 },
    }) as typeof readiness.context.security;
    const page = (status: number) => ({
      http: { request: async () => ({ status }) } as unknown as HttpProbe,
    });
    expect(await readiness.verify(nodeEnv, { configuration, security, ...page(200) })).toMatchObject({
      state: 'failed',
      expected: 'no mailbox page',
    });
    expect(await readiness.verify(nodeEnv, { configuration, security, ...page(404) })).toMatchObject({
      state: 'verified',
    });
    const plain = configurationWith(configuration, { issuer: 'http://auth.corp.invalid' });
    expect(await readiness.verify(nodeEnv, { configuration: plain, security })).toMatchObject({
      state: 'failed',
      expected: 'Secure cookies',
    });
  });
});

describe('config.env.jwt-secret', () => {
  it('is verified, and red for a key that is used twice, a short one, or none that is active', async () => {
    expect(await readiness.verify(jwtSecret)).toMatchObject({ state: 'verified' });
    const keys = readiness.configuration.keyEncryptionKeys;
    const twice = [...keys, key('again', keys[0]?.secret)];
    expect(await readiness.verifyWith(jwtSecret, { keyEncryptionKeys: twice })).toMatchObject({
      state: 'failed',
      expected: 'each key used once',
    });
    expect(
      await readiness.verifyWith(jwtSecret, { keyEncryptionKeys: [key('short', Buffer.alloc(16, 7))] }),
    ).toMatchObject({ state: 'failed' });
    // the server publishes a key as soon as it finds none, which it may do in between
    const withoutActive = await eventually(async () => {
      await readiness.sql("UPDATE keys SET verifies_until = now() - interval '1 hour' WHERE purpose = 'mac'");
      const verdict = await readiness.verify(jwtSecret);
      return verdict.state === 'failed' ? verdict : undefined;
    }, 'a failed control');
    expect(withoutActive).toMatchObject({ seen: expect.stringContaining('no active MAC key') });
    await readiness.sql(
      "DELETE FROM keys WHERE purpose = 'mac' AND number < (SELECT max(number) FROM keys WHERE purpose = 'mac')",
    );
    await readiness.sql("UPDATE keys SET verifies_until = NULL WHERE purpose = 'mac'");
    expect(await readiness.verify(jwtSecret)).toMatchObject({ state: 'verified' });
  });
});

describe('security.data.secrets-stored', () => {
  const folder = mkdtempSync(join(tmpdir(), 'readiness-secrets-'));
  const file = join(folder, 'database-url');
  writeFileSync(file, 'x');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is red for a file that others may read, and unknown without the log when all the rest holds', async () => {
    const env = { DATABASE_URL_FILE: file };
    chmodSync(file, 0o644);
    expect(await readiness.verify(secretsStored, { env })).toMatchObject({
      state: 'failed',
      seen: 'open to others: DATABASE_URL_FILE',
    });
    chmodSync(file, 0o600);
    expect(await readiness.verify(secretsStored, { env })).toMatchObject({
      state: 'unknown',
      missing: expect.stringContaining('log'),
    });
  });

  it('is red for an example key, an example password and a secret among arguments', async () => {
    const text = Buffer.from('change-me-change-me-change-me-!!');
    expect(
      await readiness.verifyWith(secretsStored, { keyEncryptionKeys: [key('typed', text)] }),
    ).toMatchObject({ state: 'failed' });
    expect(
      await readiness.verifyWith(secretsStored, { databaseUrl: 'postgres://core_auth:changeme@localhost/x' }),
    ).toMatchObject({
      state: 'failed',
      seen: 'an example in DATABASE_URL',
    });
    const drawn = key('argument');
    const shown = spawn(process.execPath, [
      '-e',
      'setTimeout(() => {}, 10000)',
      drawn.secret.toString('base64url'),
    ]);
    await once(shown, 'spawn');
    expect(await readiness.verifyWith(secretsStored, { keyEncryptionKeys: [drawn] })).toMatchObject({
      state: 'failed',
      seen: `seen in the arguments of process ${shown.pid}`,
    });
    shown.kill();
    await once(shown, 'exit');
    expect(await readiness.verifyWith(secretsStored, { keyEncryptionKeys: [drawn] })).toMatchObject({
      state: 'unknown',
    });
  });
});

describe('deploy.run.environment', () => {
  const env = { DATABASE_URL: 'x', CORE_AUTH_KEY_ENCRYPTION_KEYS: 'x' };

  it('is verified, and red for an unknown setting or a required one that is not set', async () => {
    expect(await readiness.verify(environment, { env })).toMatchObject({ state: 'verified' });
    const misspelt = { ...env, CORE_AUTH_SESION_IDLE: '1' };
    expect(await readiness.verify(environment, { env: misspelt })).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('CORE_AUTH_SESION_IDLE'),
    });
    expect(await readiness.verify(environment, { env: { DATABASE_URL: 'x' } })).toMatchObject({
      state: 'failed',
      seen: 'not set: CORE_AUTH_KEY_ENCRYPTION_KEYS',
    });
  });
});

describe('config.net.load-balancer', () => {
  const two = connectedTo(['core-auth one', 'core-auth two']);
  const live = (instance: (call: number) => string) => {
    let calls = 0;
    return answering(({ pathname }) =>
      pathname === '/health/live'
        ? { body: JSON.stringify({ details: { process: { instance: instance((calls += 1)) } } }) }
        : undefined,
    );
  };

  it('does not apply to one instance, and neither does scaling it', async () => {
    const database = connected(['core-auth one']);
    expect(await readiness.verify(loadBalancer, { database })).toMatchObject({ state: 'not-applicable' });
    expect(await readiness.verify(scaledLoadBalancer, { database })).toMatchObject({
      state: 'not-applicable',
    });
  });

  it('is verified when two are reached and a forged address is not believed', async () => {
    const http = live((call) => (call % 2 === 0 ? 'one' : 'two'));
    expect(await readiness.verify(loadBalancer, { database: two(), http })).toMatchObject({
      state: 'verified',
    });
    expect(await readiness.verify(scaledLoadBalancer, { database: two(), http })).toMatchObject({
      state: 'unknown',
    });
  });

  it('is red when one of two is reached, when every proxy is trusted, and when a forged address is believed', async () => {
    const http = live((call) => (call % 2 === 0 ? 'one' : 'two'));
    expect(await readiness.verify(loadBalancer, { database: two(), http: live(() => 'one') })).toMatchObject({
      state: 'failed',
    });
    const configuration = configurationWith(readiness.configuration, { trustedProxies: ['0.0.0.0/0'] });
    expect(await readiness.verify(loadBalancer, { database: two(), http, configuration })).toMatchObject({
      state: 'failed',
    });
    const security = Object.create(readiness.context.security, {
      recordedAddress: { value: async () => '203.0.113.99' },
    }) as typeof readiness.context.security;
    expect(await readiness.verify(loadBalancer, { database: two(), http, security })).toMatchObject({
      state: 'failed',
    });
  });

  function connectedTo(applications: readonly string[]) {
    return () => connected(applications);
  }
});

describe('deploy.post.health', () => {
  const since = (milliseconds: number) =>
    ({ noteReadiness: (ready: boolean) => (ready ? milliseconds : 0) }) as Vitals;
  const database = () => connected(['core-auth one']);

  it('is verified after ten minutes, unknown before, red when it is not ready', async () => {
    expect(await readiness.verify(health, { vitals: since(600_000), database: database() })).toMatchObject({
      state: 'verified',
    });
    expect(await readiness.verify(health, { vitals: since(599_000), database: database() })).toMatchObject({
      state: 'unknown',
    });
    const http = answering(() => ({ status: 503 }));
    expect(
      await readiness.verify(health, { vitals: since(600_000), database: database(), http }),
    ).toMatchObject({ state: 'failed' });
    expect(
      await readiness.verify(health, {
        vitals: since(600_000),
        database: connected(['core-auth one', 'core-auth two']),
      }),
    ).toMatchObject({
      state: 'unknown',
      missing: expect.stringContaining('every other instance'),
    });
  });
});

describe('monitoring.log', () => {
  it('levels: red for trace in production, never green without a change at run time', async () => {
    const production = { environment: 'production' as const };
    expect(await readiness.verifyWith(logLevels, { ...production, logLevel: 'trace' })).toMatchObject({
      state: 'failed',
    });
    expect(await readiness.verifyWith(logLevels, { ...production, logLevel: 'info' })).toMatchObject({
      state: 'unknown',
    });
  });

  it('rotation: does not apply to standard output, unknown when that is a file', async () => {
    expect(await readiness.verify(logRotationOf(() => false))).toMatchObject({ state: 'not-applicable' });
    expect(await readiness.verify(logRotationOf(() => true))).toMatchObject({ state: 'unknown' });
  });
});

describe('quality.code.strict', () => {
  const options = {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noImplicitOverride: true,
    noFallthroughCasesInSwitch: true,
  };
  const manifest = (compilerOptions: Record<string, unknown>) => ({
    version: '1',
    commit: 'abc',
    builtAt: '2026-01-01',
    compilerOptions,
  });

  it('is verified by the manifest of the build, red without strict, with a member of it off, or without a companion', async () => {
    expect(await readiness.verify(strict, { manifest: manifest(options) })).toMatchObject({
      state: 'verified',
    });
    for (const fault of [
      { strict: false },
      { strictNullChecks: false },
      { noUncheckedIndexedAccess: false },
    ]) {
      expect(await readiness.verify(strict, { manifest: manifest({ ...options, ...fault }) })).toMatchObject({
        state: 'failed',
        seen: `off: ${Object.keys(fault)[0]}`,
      });
    }
  });

  it('is unknown when the code does not run from a build', async () => {
    expect(readBuildManifest(new URL('file:///nowhere/build-manifest.json'))).toBeUndefined();
    expect(await readiness.verify(strict, { manifest: undefined })).toMatchObject({ state: 'unknown' });
  });
});

describe('performance.opt.memory', () => {
  const samples = (growth: number, count = 60, rss = 100e6): MemorySample[] =>
    Array.from({ length: count }, (_, index) => ({
      at: index * 10_000,
      rss: rss + index * growth,
      heap: 50e6,
    }));
  const verify = (memorySamples: MemorySample[]) =>
    readiness.verify(memory, { vitals: { memory: memorySamples } as unknown as Vitals });

  it('is verified when flat, red with a leak or at the limit, unknown without ten minutes of samples', async () => {
    expect(await verify(samples(0))).toMatchObject({ state: 'verified' });
    expect(await verify(samples(100e6))).toMatchObject({ state: 'failed' });
    expect(await verify(samples(0, 60, 1e15))).toMatchObject({
      state: 'failed',
      expected: expect.stringContaining('80 %'),
    });
    expect(await verify(samples(0, 59))).toMatchObject({ state: 'unknown' });
  });
});

describe('performance.opt.cpu', () => {
  const verify = (delayP99: number, utilization: number, count = 6) =>
    readiness.verify(cpu, {
      vitals: { loop: Array.from({ length: count }, () => ({ delayP99, utilization })) } as unknown as Vitals,
    });

  it('is verified when idle, red with a busy loop, unknown without a minute of samples', async () => {
    expect(await verify(3, 0.1)).toMatchObject({ state: 'verified' });
    expect(await verify(400, 0.5)).toMatchObject({ state: 'failed' });
    expect(await verify(3, 0.95)).toMatchObject({ state: 'failed' });
    expect(await verify(3, 0.1, 5)).toMatchObject({ state: 'unknown' });
  });

  it('sees a real busy loop', async () => {
    const { vitals } = readiness.context;
    vitals.start();
    const busy = setInterval(() => {
      const end = performance.now() + 450;
      while (performance.now() < end);
    }, 500);
    try {
      while (vitals.loop.length < 1) await new Promise((resolve) => setTimeout(resolve, 200));
    } finally {
      clearInterval(busy);
    }
    expect(vitals.loop[0]?.delayP99).toBeGreaterThan(100);
    expect(vitals.loop[0]?.utilization).toBeGreaterThan(0.5);
    vitals.stop();
  });
});

describe('performance.opt.network', () => {
  it('is red without compression, and unknown with it, since calls of guards were not counted', async () => {
    const encoded = (encoding: string | undefined) =>
      answering(({ pathname }) =>
        pathname.endsWith('.css') ? { headers: { 'content-encoding': encoding } } : undefined,
      );
    expect(await readiness.verify(network, { http: encoded(undefined) })).toMatchObject({ state: 'failed' });
    expect(await readiness.verify(network, { http: encoded('br') })).toMatchObject({
      state: 'unknown',
      missing: expect.stringContaining('guarded request'),
    });
  });
});

describe('performance.scale.auto-scaling', () => {
  it('does not apply off Kubernetes, and is unknown on it', async () => {
    expect(await readiness.verify(autoScaling, { env: {} })).toMatchObject({ state: 'not-applicable' });
    expect(
      await readiness.verify(autoScaling, { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } }),
    ).toMatchObject({ state: 'unknown' });
  });
});
