import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ClientRepository } from '#oauth';
import { SessionRepository } from '#sessions';
import { CLIENT } from './fake-core-auth.js';
import { eventually } from '../support/answers.js';
import { claimsOf, World, type Tokens } from '../support/world.js';
import { startModule, type GuardedModule } from './guarded-module.js';

const MODULE_URL = 'https://projects.example';

describe('a module guard beside the real server', () => {
  let world: World;
  let module: GuardedModule;

  beforeAll(async () => {
    world = await World.start();
    const { id, secret } = world.client(CLIENT.id);
    module = await startModule(
      { issuer: world.url },
      { clientId: id, clientSecret: secret ?? '', moduleUrl: MODULE_URL, streamSilenceMs: 5000 },
    );
    await module.listening();
  });
  afterAll(async () => {
    await module.stop();
    await world.stop();
  });

  const ask = async (token: string, path = '/api/licensed'): Promise<{ status: number; code?: string }> => {
    const response = await fetch(module.url + path, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, ...((await response.json()) as { code?: string }) };
  };
  /** Waits for this answer; how long that takes is measured in revocation-latency.spec.ts. */
  const becomes = (token: string, wanted: { status: number; code?: string }) =>
    eventually(async () => {
      const answer = await ask(token);
      return (answer.status === wanted.status && (!wanted.code || answer.code === wanted.code)) || undefined;
    }, JSON.stringify(wanted));

  describe('for a member', () => {
    let tokens: Tokens;
    beforeEach(async () => {
      ({ tokens } = await world.signedInClient('member@acme.example'));
      expect(await ask(tokens.access_token)).toMatchObject({ status: 200 });
    });

    it('hears that the authorization was revoked', async () => {
      await world.revoke(world.client('projects'), tokens.refresh_token);
      await becomes(tokens.access_token, { status: 401, code: 'invalid_token' });
    });

    it('hears that one access token was revoked', async () => {
      await world.revoke(world.client('projects'), tokens.access_token);
      await becomes(tokens.access_token, { status: 401 });
    });

    it('hears that the session ended', async () => {
      const sid = String(claimsOf(tokens.access_token)['sid']);
      await world.app.get(SessionRepository).end(sid, 'test');
      await becomes(tokens.access_token, { status: 401 });
    });

    it('hears that the license was suspended and issued again', async () => {
      await world.licenses.changeStatus(world.id('license:acme:projects'), 'suspended', 'test');
      await becomes(tokens.access_token, { status: 403, code: 'SUSPENDED' });
      await world.licenses.changeStatus(world.id('license:acme:projects'), 'issued', 'test');
      await becomes(tokens.access_token, { status: 200 });
    });

    it('decides features by the plan', async () => {
      expect((await ask(tokens.access_token, '/api/export')).status).toBe(200);
      expect(await ask(tokens.access_token, '/api/limited')).toMatchObject({
        status: 403,
        code: 'FEATURE_NOT_INCLUDED',
      });
    });
  });

  it('hears that a person was disabled', async () => {
    const { tokens } = await world.signedInClient('owner@acme.example');
    expect((await ask(tokens.access_token)).status).toBe(200);
    await world.accounts.disableUser(world.id('owner@acme.example'), 'test');
    await becomes(tokens.access_token, { status: 401 });
  });

  it("refuses a token for another module's API only", async () => {
    const answer = await world.token(world.client('reports'), {
      grant_type: 'client_credentials',
      scope: 'reports:read',
    });
    expect(answer.status).toBe(200);
    const token = answer.body['access_token'] as string;
    expect((await ask(token, '/api/read')).status).toBe(401);
  });

  it('hears that a client was disabled', async () => {
    const { tokens } = await world.signedInClient('member@acme.example');
    const token = tokens.access_token;
    expect((await ask(token)).status).toBe(200);
    await world.app.get(ClientRepository).disable('projects', world.clock.now(), 'test');
    await becomes(token, { status: 401 });
  });
});
