import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/answers.js';
import { AccessTokens } from '#tokens';
import { AuthorizationRepository } from '#oauth';
import { SessionRepository } from '#sessions';
import { ControlContexts } from '../../libs/readiness/control-contexts.js';
import { clientCredentials } from '../../libs/readiness/controls/security/client-credentials.control.js';
import { codeExpiry } from '../../libs/readiness/controls/security/code-expiry.control.js';
import { lookAlikes, redirectUri } from '../../libs/readiness/controls/security/redirect-uri.control.js';
import { refreshRotation } from '../../libs/readiness/controls/security/refresh-rotation.control.js';
import { revocation } from '../../libs/readiness/controls/security/revocation.control.js';
import { scopeValidation } from '../../libs/readiness/controls/security/scope-validation.control.js';
import { tokenExpiry } from '../../libs/readiness/controls/security/token-expiry.control.js';
import { PROBE_REDIRECT_URI } from '../../libs/readiness/probe-identity.js';
import { faulty } from './faulty.js';
import { ReadinessWorld } from './readiness-world.js';

let readiness: ReadinessWorld;

beforeAll(async () => {
  readiness = await ReadinessWorld.start();
}, 60_000);

afterAll(() => readiness.stop());

describe('security.auth.token-expiry', () => {
  it('is verified, red for a client with 48 h, or refreshing for 31 days, and verified again', async () => {
    expect(await readiness.verify(tokenExpiry)).toMatchObject({ state: 'verified' });
    for (const [column, tooLong, longest] of [
      ['access_token_seconds', 172_800, 86_400],
      ['refresh_token_seconds', 2_678_400, 2_592_000],
    ] as const) {
      await readiness.sql(`UPDATE clients SET ${column} = ${tooLong} WHERE id = 'projects'`);
      expect(await readiness.verify(tokenExpiry)).toMatchObject({
        state: 'failed',
        seen: 'longer: projects',
      });
      await readiness.sql(`UPDATE clients SET ${column} = ${longest} WHERE id = 'projects'`);
    }
    expect(await readiness.verify(tokenExpiry)).toMatchObject({ state: 'verified' });
  });

  it('is red when guards skip exp', async () => {
    const tokens = readiness.world.app.get(AccessTokens);
    const decode = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as never;
    await faulty(tokens, 'verify', decode, async () => {
      expect(await readiness.verify(tokenExpiry)).toMatchObject({
        state: 'failed',
        seen: expect.stringContaining('expired: guard 200'),
      });
    });
  });
});

describe('security.oauth.code-expiry', () => {
  it('is verified, red for a client whose codes live for 30 minutes, and verified again', async () => {
    expect(await readiness.verify(codeExpiry)).toMatchObject({ state: 'verified' });
    await readiness.sql("UPDATE clients SET code_seconds = 1800 WHERE id = 'reports'");
    expect(await readiness.verify(codeExpiry)).toMatchObject({ state: 'failed', seen: 'longer: reports' });
    await readiness.sql("UPDATE clients SET code_seconds = 300 WHERE id = 'reports'");
    expect(await readiness.verify(codeExpiry)).toMatchObject({ state: 'verified' });
  });

  it('is red when an old code is taken', async () => {
    const { rows } = { rows: readiness.context.probeRows };
    const probeRows = Object.create(rows, { ageCode: { value: async () => undefined } }) as typeof rows;
    expect(await readiness.verify(codeExpiry, { probeRows })).toMatchObject({ state: 'failed' });
  });
});

describe('security.oauth.refresh-rotation', () => {
  it('is verified, and red when reuse revokes nothing', async () => {
    expect(await readiness.verify(refreshRotation)).toMatchObject({ state: 'verified' });
    const repository = readiness.world.app.get(AuthorizationRepository);
    await faulty(
      repository,
      'revokeReusedRefreshToken',
      async () => false,
      async () => {
        expect(await readiness.verify(refreshRotation)).toMatchObject({
          state: 'failed',
          seen: expect.stringContaining('the current one then: 200'),
        });
      },
    );
    expect(await readiness.verify(refreshRotation)).toMatchObject({ state: 'verified' });
  });
});

describe('security.oauth.revocation', () => {
  it('is red when the endpoint revokes nothing', async () => {
    const repository = readiness.world.app.get(AuthorizationRepository);
    await faulty(
      repository,
      'revoke',
      async () => undefined,
      async () => {
        expect(await readiness.verify(revocation)).toMatchObject({
          state: 'failed',
          seen: expect.stringContaining('active true'),
        });
      },
    );
  });

  it('is verified when the guard refuses the token within a second', async () => {
    expect(await readiness.verify(revocation)).toMatchObject({ state: 'verified' });
  });
});

describe('security.oauth.scope-validation', () => {
  it('is verified, red for a client with a wildcard, and verified again', async () => {
    expect(await readiness.verify(scopeValidation)).toMatchObject({ state: 'verified' });
    await readiness.sql("UPDATE clients SET scopes = scopes || 'projects:*'::text WHERE id = 'projects'");
    expect(await readiness.verify(scopeValidation)).toMatchObject({ state: 'failed', seen: 'at projects' });
    await readiness.sql(
      "UPDATE clients SET scopes = array_remove(scopes, 'projects:*') WHERE id = 'projects'",
    );
    expect(await readiness.verify(scopeValidation)).toMatchObject({ state: 'verified' });
  });
});

describe('security.oauth.redirect-uri', () => {
  it('tries twelve addresses that are all different and none the registered one', () => {
    const tried = lookAlikes(PROBE_REDIRECT_URI);
    expect(new Set([...tried, PROBE_REDIRECT_URI]).size).toBe(13);
  });

  it('is verified, and red for a registered http address, a wildcard or a fragment', async () => {
    expect(await readiness.verify(redirectUri)).toMatchObject({ state: 'verified' });
    for (const uri of [
      'http://projects.example/callback',
      'https://*.example/callback',
      'https://projects.example/callback#here',
    ]) {
      await readiness.sql(
        "UPDATE clients SET redirect_uris = redirect_uris || $1::text WHERE id = 'projects'",
        [uri],
      );
      expect(await readiness.verify(redirectUri)).toMatchObject({
        state: 'failed',
        seen: `${uri} of projects`,
      });
      await readiness.sql(
        "UPDATE clients SET redirect_uris = array_remove(redirect_uris, $1) WHERE id = 'projects'",
        [uri],
      );
    }
    expect(await readiness.verify(redirectUri)).toMatchObject({ state: 'verified' });
  });

  it('is red for every single look-alike that is let in', async () => {
    const flows = await readiness.context.flows(AbortSignal.timeout(10_000));
    for (const uri of lookAlikes(PROBE_REDIRECT_URI)) {
      const registered = { clientId: flows.identity.clientId, uris: [PROBE_REDIRECT_URI, uri] };
      await readiness.sql('UPDATE clients SET redirect_uris = $2 WHERE id = $1', [
        registered.clientId,
        registered.uris,
      ]);
      await readiness.sql("INSERT INTO outbox (kind, subject) VALUES ('client-changed', $1)", [
        registered.clientId,
      ]);
      // until the node has heard of the change
      const judged = await eventually(async () => {
        const verdict = await readiness.verify(redirectUri);
        return verdict.state === 'failed' ? verdict : undefined;
      }, 'a red control');
      expect(judged).toMatchObject({
        state: 'failed',
        seen: expect.stringContaining('answered by redirect'),
      });
    }
    await readiness.sql('UPDATE clients SET redirect_uris = $2 WHERE id = $1', [
      flows.identity.clientId,
      [PROBE_REDIRECT_URI],
    ]);
    await readiness.sql("INSERT INTO outbox (kind, subject) VALUES ('client-changed', $1)", [
      flows.identity.clientId,
    ]);
  });
});

describe('security.oauth.client-credentials', () => {
  it('is verified, red for a plain secret, and verified again', async () => {
    expect(await readiness.verify(clientCredentials)).toMatchObject({ state: 'verified' });
    await readiness.sql(
      "UPDATE clients SET secret_sha256 = 'plain-secret-of-32-characters-!!' WHERE id = 'reports'",
    );
    expect(await readiness.verify(clientCredentials)).toMatchObject({
      state: 'failed',
      seen: 'plain text at reports',
    });
    await readiness.sql("UPDATE clients SET secret_sha256 = sha256('x') WHERE id = 'reports'");
    expect(await readiness.verify(clientCredentials)).toMatchObject({ state: 'verified' });
  });

  it('is red for a secret older than a year', async () => {
    await readiness.sql("UPDATE clients SET created_at = now() - interval '366 days' WHERE id = 'reports'");
    expect(await readiness.verify(clientCredentials)).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('reports'),
    });
    await readiness.sql("UPDATE clients SET created_at = now() WHERE id = 'reports'");
  });
});

describe("the probe's own identity", () => {
  const tables = [
    "clients WHERE id LIKE 'readiness-probe%'",
    "organizations WHERE key LIKE 'readiness-probe%'",
    "users WHERE email LIKE '%readiness-probe%'",
    "plan_versions WHERE plan_key LIKE 'readiness-probe%'",
    'licenses WHERE organization_id NOT IN (SELECT id FROM organizations)',
    "sessions WHERE user_id IN (SELECT id FROM users WHERE email LIKE '%readiness-probe%')",
    'sign_in_failures',
  ];

  it('leaves nobody and nothing of its own behind when the process ends, and people untouched', async () => {
    const { browser } = await readiness.world.signedInClient();
    await readiness.verify(tokenExpiry);
    await readiness.world.app.get(ControlContexts).close();
    for (const rows of tables) expect(await readiness.count(rows)).toBe(0);
    const session = await readiness.world.app
      .get(SessionRepository)
      .find(browser.cookie('core_auth_session') ?? '');
    expect(session?.email).toBe('member@acme.example');
    await expect(readiness.verify(tokenExpiry)).rejects.toThrow('stopping');
  });

  it('removes what a killed process left, once it is a day old', async () => {
    const [old, fresh] = [randomUUID(), randomUUID()];
    await readiness.sql(`
      INSERT INTO organizations (id, key, name, created_at) VALUES
        (gen_random_uuid(), 'readiness-probe-${old}', 'x', now() - interval '25 hours'),
        (gen_random_uuid(), 'readiness-probe-${fresh}', 'x', now()),
        (gen_random_uuid(), 'readiness-probe-company', 'x', now() - interval '25 hours')`);
    await readiness.context.probeRows.removeAbandoned(readiness.context.clock.now());
    expect(await readiness.count(`organizations WHERE key LIKE '%${old}'`)).toBe(0);
    expect(await readiness.count(`organizations WHERE key LIKE '%${fresh}'`)).toBe(1);
    expect(await readiness.count("organizations WHERE key = 'readiness-probe-company'")).toBe(1);
  });
});
