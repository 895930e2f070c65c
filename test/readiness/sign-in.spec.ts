import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { passwordProblem } from '#accounts';
import { LockoutRepository, SessionRepository, Csrf } from '#sessions';
import { accountLockout } from '../../libs/readiness/controls/security/account-lockout.control.js';
import { cors } from '../../libs/readiness/controls/security/cors.control.js';
import { encryptedAtRest } from '../../libs/readiness/controls/security/encrypted-at-rest.control.js';
import {
  passwordRequirements,
  passwordRequirementsOf,
} from '../../libs/readiness/controls/security/password-requirements.control.js';
import { rateLimiting } from '../../libs/readiness/controls/security/rate-limiting.control.js';
import { sessionTimeout } from '../../libs/readiness/controls/security/session-timeout.control.js';
import { xss } from '../../libs/readiness/controls/security/xss.control.js';
import { csrfState } from '../../libs/readiness/controls/security/csrf-state.control.js';
import { faulty } from './faulty.js';
import { ReadinessWorld } from './readiness-world.js';

let readiness: ReadinessWorld;

beforeAll(async () => {
  readiness = await ReadinessWorld.start({
    env: {
      REDIS_URL: process.env['TEST_REDIS_URL'] ?? '',
      CORE_AUTH_RATE_LIMIT_SIGN_IN: '20',
      CORE_AUTH_RATE_LIMIT_TOKEN: '40',
    },
  });
}, 60_000);

afterAll(() => readiness.stop());

describe('security.auth.rate-limiting', () => {
  it('is red without a limit', async () => {
    expect(await readiness.verifyWith(rateLimiting, { rateLimitToken: 0 })).toMatchObject({
      state: 'failed',
    });
  });

  it('is red when the limit is not kept', async () => {
    const context = readiness.context;
    const http = Object.create(context.http, {
      request: {
        value: async (...parameters: Parameters<typeof context.http.request>) => {
          const answer = await context.http.request(...parameters);
          return answer.status === 429 ? { ...answer, status: 401 } : answer;
        },
      },
    }) as typeof context.http;
    expect(await readiness.verify(rateLimiting, { http })).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('token: never 429'),
    });
  });

  it('is verified when one try too many waits, and Redis counts it for all nodes', async () => {
    expect(await readiness.verify(rateLimiting)).toMatchObject({ state: 'verified' });
  });

  it('is unknown when every node counts for itself', async () => {
    const redis = Object.create(readiness.context.redis, {
      configured: { value: false },
    }) as typeof readiness.context.redis;
    expect(await readiness.verify(rateLimiting, { redis })).toMatchObject({
      state: 'unknown',
      missing: expect.stringContaining('REDIS_URL'),
    });
  });
});

describe('security.auth.account-lockout', () => {
  it('is verified, and red for a threshold of 10,000', async () => {
    expect(await readiness.verify(accountLockout)).toMatchObject({ state: 'verified' });
    expect(await readiness.verifyWith(accountLockout, { signInFailures: 10_000 })).toMatchObject({
      state: 'failed',
      seen: 'after 10000',
    });
  });

  it('is red when failures are not counted', async () => {
    const lockout = readiness.world.app.get(LockoutRepository);
    const begin = lockout.beginSignIn.bind(lockout);
    await faulty(
      lockout,
      'beginSignIn',
      async (...attempt) => ({ ...(await begin(...attempt)), delay: undefined }),
      async () => {
        expect(await readiness.verify(accountLockout)).toMatchObject({
          state: 'failed',
          expected: 'the right password delayed',
        });
      },
    );
    expect(await readiness.verify(accountLockout)).toMatchObject({ state: 'verified' });
  });

  it('leaves no lock behind', async () => {
    await readiness.verify(accountLockout);
    expect(await readiness.count('sign_in_failures')).toBe(0);
  });
});

describe('security.auth.session-timeout', () => {
  it('is verified, and red without an idle limit', async () => {
    expect(await readiness.verify(sessionTimeout)).toMatchObject({ state: 'verified' });
    expect(await readiness.verifyWith(sessionTimeout, { sessionIdleSeconds: 0 })).toMatchObject({
      state: 'failed',
    });
    expect(await readiness.verifyWith(sessionTimeout, { sessionAbsoluteSeconds: 2_592_000 })).toMatchObject({
      state: 'failed',
    });
  });

  it('is red when an idle session lives on', async () => {
    const sessions = readiness.world.app.get(SessionRepository);
    await faulty(
      sessions,
      'idleSince',
      () => new Date(0),
      async () => {
        expect(await readiness.verify(sessionTimeout)).toMatchObject({
          state: 'failed',
          expected: expect.stringContaining('idle'),
        });
      },
    );
  });
});

describe('security.auth.password-requirements', () => {
  it('is red for a minimum of 4 and for an empty blocklist, verified for a policy with all of it', async () => {
    const lengthAlone = (least: number) => (password: string) =>
      password.length < least ? 'too short' : undefined;
    expect(await readiness.verify(passwordRequirementsOf(lengthAlone(4)))).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('7 characters'),
    });
    expect(await readiness.verify(passwordRequirementsOf(lengthAlone(15)))).toMatchObject({
      state: 'failed',
      seen: expect.not.stringContaining('7 characters'),
    });
    expect(await readiness.verify(passwordRequirements)).toMatchObject({ state: 'verified' });
    expect(
      await readiness.verify(
        passwordRequirementsOf((password) => (password.length > 40 ? 'too long' : passwordProblem(password))),
      ),
    ).toMatchObject({ state: 'failed' });
  });
});

describe('security.data.xss', () => {
  it('is verified, and red for a loose policy or a name as markup', async () => {
    expect(await readiness.verify(xss)).toMatchObject({ state: 'verified' });
    const answering = (change: (page: { headers: Record<string, unknown>; body: string }) => void) => {
      const { flows } = readiness.context;
      return {
        flows: async (signal: AbortSignal) => {
          const real = await flows(signal);
          const { http } = real as unknown as { http: { request(...parameters: unknown[]): Promise<never> } };
          const request = async (...parameters: unknown[]) => {
            const page: { headers: Record<string, unknown>; body: string } = await http.request(
              ...parameters,
            );
            change(page);
            return page;
          };
          return Object.assign(Object.create(Object.getPrototypeOf(real) as object), real, {
            http: { request },
          }) as typeof real;
        },
      };
    };
    for (const policy of [
      "default-src 'self'",
      "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'",
      '',
    ]) {
      const loose = answering((page) => (page.headers['content-security-policy'] = policy));
      expect(await readiness.verify(xss, loose)).toMatchObject({ state: 'failed' });
    }
    const sniffing = answering((page) => delete page.headers['x-content-type-options']);
    expect(await readiness.verify(xss, sniffing)).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('no nosniff'),
    });
    const raw = answering((page) => (page.body = page.body.replaceAll('&lt;', '<')));
    expect(await readiness.verify(xss, raw)).toMatchObject({
      state: 'failed',
      seen: 'it came back as markup',
    });
  });
});

describe('security.data.cors', () => {
  it('is verified, and red for a wildcard', async () => {
    expect(await readiness.verify(cors)).toMatchObject({ state: 'verified' });
    const fastify = readiness.world.app.getHttpAdapter().getHttpServer() as import('node:http').Server;
    const [handler] = fastify.listeners('request') as ((
      request: unknown,
      response: import('node:http').ServerResponse,
    ) => void)[];
    fastify.removeAllListeners('request');
    fastify.on('request', (request, response) => {
      response.setHeader('access-control-allow-origin', '*');
      handler?.(request, response);
    });
    expect(await readiness.verify(cors)).toMatchObject({ state: 'failed', seen: 'allowed: *' });
    fastify.removeAllListeners('request');
    if (handler) fastify.on('request', handler);
    expect(await readiness.verify(cors)).toMatchObject({ state: 'verified' });
  });
});

describe('security.auth.csrf-state', () => {
  it('is red when a form without its token is taken', async () => {
    await faulty(
      readiness.world.app.get(Csrf),
      'check',
      () => undefined,
      async () => {
        expect(await readiness.verify(csrfState)).toMatchObject({
          state: 'failed',
          expected: '403 for a form without its token',
        });
      },
    );
  });
});

describe('security.data.encrypted-at-rest', () => {
  it('is verified, red for a column that is plain or under an unknown key, and verified again', async () => {
    expect(await readiness.verify(encryptedAtRest)).toMatchObject({ state: 'verified' });
    await readiness.sql('CREATE TABLE kept AS SELECT kid, secret_envelope FROM keys');
    await readiness.sql("UPDATE keys SET secret_envelope = 'plain' WHERE purpose = 'mac'");
    expect(await readiness.verify(encryptedAtRest)).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('is none'),
    });
    await readiness.sql("UPDATE keys SET secret_envelope = 'v1.retired.a.b.c' WHERE purpose = 'mac'");
    expect(await readiness.verify(encryptedAtRest)).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('"retired"'),
    });
    await readiness.sql(
      'UPDATE keys SET secret_envelope = kept.secret_envelope FROM kept WHERE kept.kid = keys.kid',
    );
    expect(await readiness.verify(encryptedAtRest)).toMatchObject({ state: 'verified' });
    await readiness.sql(
      `INSERT INTO webhooks (id, client_id, url, kinds, secret_envelope, created_at)
       SELECT gen_random_uuid(), min(id), 'https://receiver.example', '{session-ended}', 'plain', now() FROM clients`,
    );
    expect(await readiness.verify(encryptedAtRest)).toMatchObject({
      state: 'failed',
      seen: expect.stringMatching(/^webhooks\.secret_envelope of [0-9a-f-]{36} is none$/),
    });
    await readiness.sql('DELETE FROM webhooks');
    expect(await readiness.verify(encryptedAtRest)).toMatchObject({ state: 'verified' });
  });

  it.each([
    [
      'sessions.browser_envelope',
      `INSERT INTO sessions (id, secret_sha256, user_id, amr, auth_time, last_seen_at, expires_at, browser_envelope)
       SELECT gen_random_uuid(), '', id, '{pwd}', now(), now(), now() + interval '1 day', 'plain' FROM users LIMIT 1`,
    ],
    [
      'pushed_requests.parameters_envelope',
      `INSERT INTO pushed_requests (reference_sha256, client_id, parameters_envelope, created_at, expires_at)
       SELECT sha256('x'), min(id), '{}', now(), now() + interval '1 day' FROM clients`,
    ],
    [
      'totp_factors.secret_envelope',
      `INSERT INTO totp_factors (user_id, secret_envelope, last_step, created_at)
       SELECT id, 'plain', 0, now() FROM users LIMIT 1`,
    ],
    [
      'mails.mail_envelope',
      `INSERT INTO mails (id, mail_envelope, next_attempt_at) VALUES (gen_random_uuid(), 'plain', now() + interval '1 day')`,
    ],
  ])('is red for a plain value in %s, with a way to mend it', async (column, insert) => {
    await readiness.sql(insert);
    expect(await readiness.verify(encryptedAtRest)).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining(`${column} of `),
    });
    const [table = '', name = ''] = column.split('.');
    await readiness.sql(`DELETE FROM ${table} WHERE ${name} IN ('plain', '{}')`);
    expect(await readiness.verify(encryptedAtRest)).toMatchObject({ state: 'verified' });
  });
});
