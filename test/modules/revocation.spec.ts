import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENT, FakeCoreAuth, USER } from './fake-core-auth.js';
import { eventually } from '../support/answers.js';
import { claimsOf } from '../support/world.js';
import { startModule, type GuardedModule } from './guarded-module.js';

const INTROSPECT = '/oauth2/introspect';

describe('revocation in a module guard', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;

  beforeEach(async () => {
    core = await FakeCoreAuth.start();
    module = await startModule(core);
    await module.listening();
  });
  afterEach(async () => {
    await module.stop();
    await core.stop();
  });

  const status = async (token: string): Promise<number> => {
    const response = await fetch(`${module.url}/api/read`, { headers: { authorization: `Bearer ${token}` } });
    await response.body?.cancel();
    return response.status;
  };
  /** Issued after the stream was first heard, by any clock. */
  const younger = (claims: Record<string, unknown> = {}) =>
    core.accessToken(module.url, { iat: Math.floor(Date.now() / 1000) + 5, ...claims });
  const becomes = async (token: string, wanted: number): Promise<void> => {
    await eventually(async () => (await status(token)) === wanted || undefined, `an answer ${wanted}`);
  };

  it.each([
    ['authorization-revoked', 'authorization-1'],
    ['session-ended', 'session-1'],
    ['token-revoked', 'the-jti'],
    ['user-disabled', USER],
    ['credential-changed', USER],
    ['client-disabled', CLIENT.id],
    ['membership-changed', USER],
  ])('%s ends the tokens it concerns, without a question', async (kind, subject) => {
    const token = await younger({ jti: 'the-jti' });
    expect(await status(token)).toBe(200);
    core.publish(kind, subject, new Date(Date.now() + 10_000));
    await becomes(token, 401);
    expect(core.count(INTROSPECT)).toBe(0);
  });

  it('key-revoked ends every token that the key signed, known before or not, without waiting for the JWKS', async () => {
    const [known, unknown] = [await younger(), await younger()];
    expect(await status(known)).toBe(200);
    core.publish('key-revoked', core.kid);
    await becomes(known, 401);
    expect(await status(unknown)).toBe(401);
    expect(core.count(INTROSPECT)).toBe(0);
  });

  it('goes on listening after an event of a type that it does not know', async () => {
    const token = await younger();
    core.publish('from-the-future', 'session-1');
    core.publish('session-ended', 'session-1');
    await becomes(token, 401);
    expect(core.count(INTROSPECT)).toBe(0);
  });

  it.each(['membership-changed', 'user-disabled', 'credential-changed'])(
    'a token of the very second of a %s is asked about once, and then stands while Core Auth is down',
    async (kind) => {
      const token = await younger();
      const second = new Date(Number(claimsOf(token)['iat']) * 1000);
      core.publish(kind, USER, second);
      // what comes after it on the stream has been heard
      const marker = await younger({ authorization_id: 'marker' });
      core.publish('authorization-revoked', 'marker');
      await becomes(marker, 401);
      expect([await status(token), await status(token)]).toEqual([200, 200]);
      expect(core.count(INTROSPECT)).toBe(1);
      core.down.add(INTROSPECT);
      for (let minutes = 0; minutes < 3; minutes += 1) {
        module.clock.aheadMs += 60_000;
        // the stream goes on
        await module.listening();
        expect(await status(token)).toBe(200);
      }
      expect(core.count(INTROSPECT)).toBe(1);
      // another change in that second is another question, which nobody answers now
      core.publish(kind, USER, second);
      await becomes(token, 503);
      core.down.clear();
      expect(await status(token)).toBe(200);
    },
  );

  it('leaves the tokens of others alone', async () => {
    const token = await younger();
    for (const kind of ['authorization-revoked', 'session-ended', 'token-revoked', 'user-disabled']) {
      core.publish(kind, randomUUID());
    }
    core.publish('membership-changed', USER, new Date(Date.now() + 10_000), randomUUID());
    await sleep(100);
    expect(await status(token)).toBe(200);
  });

  it('lets a token in that was issued after its person was disabled and enabled again', async () => {
    core.publish('user-disabled', USER, new Date(Date.now() - 60_000));
    await sleep(50);
    expect(await status(await younger())).toBe(200);
  });

  it('asks introspection once about a token from before the stream was heard', async () => {
    const token = await core.accessToken(module.url, { iat: Math.floor(Date.now() / 1000) - 60 });
    expect([await status(token), await status(token), await status(token)]).toEqual([200, 200, 200]);
    expect(core.count(INTROSPECT)).toBe(1);
  });

  it('refuses a token that was revoked before the stream was heard', async () => {
    core.inactive.add('gone');
    const token = await core.accessToken(module.url, {
      jti: 'gone',
      iat: Math.floor(Date.now() / 1000) - 60,
    });
    expect(await status(token)).toBe(401);
  });

  it('asks introspection while the stream is silent, at most once in 5 s for a token', async () => {
    const token = await younger();
    expect(await status(token)).toBe(200);
    core.streaming = false;
    await module.silent();
    expect([await status(token), await status(token)]).toEqual([200, 200]);
    expect(core.count(INTROSPECT)).toBe(1);
    core.inactive.add(jti(token));
    module.clock.aheadMs += 4900;
    expect(await status(token)).toBe(200);
    module.clock.aheadMs += 200;
    expect(await status(token)).toBe(401);
  });

  it('lets a token that it accepted stand for the stale allowance while Core Auth is down, then answers 503', async () => {
    const token = await younger();
    expect(await status(token)).toBe(200);
    core.streaming = false;
    core.down.add(INTROSPECT);
    await module.silent();
    expect(await status(token)).toBe(200);
    module.clock.aheadMs += 890_000;
    expect(await status(token)).toBe(200);
    module.clock.aheadMs += 10_000;
    expect(await status(token)).toBe(503);
  });

  it('lets one request wait for a Core Auth that hangs, and a second at most', async () => {
    const [first, second] = [await younger(), await younger()];
    expect([await status(first), await status(second)]).toEqual([200, 200]);
    core.streaming = false;
    core.hanging.add(INTROSPECT);
    await eventually(
      async () => ((await status(first)) === 200 && core.count(INTROSPECT) === 1 ? true : undefined),
      'the question',
    );
    expect([await status(first), await status(second)]).toEqual([200, 200]);
    expect(core.count(INTROSPECT)).toBe(1);
    module.clock.aheadMs += 3000;
    expect([await status(second), await status(first)]).toEqual([200, 200]);
    expect(core.count(INTROSPECT)).toBe(2);
  });

  it('answers 503 CHECK_UNAVAILABLE to a token that nobody vouches for when Core Auth is down', async () => {
    const token = await younger();
    core.streaming = false;
    core.down.add(INTROSPECT);
    await module.silent();
    const response = await fetch(`${module.url}/api/read`, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'CHECK_UNAVAILABLE' });
  });

  it('hears after a reconnect what happened in between, from its cursor', async () => {
    const token = await younger();
    core.down.add('/v1/events');
    core.cutStreams();
    core.publish('session-ended', 'session-1');
    await sleep(50);
    core.down.delete('/v1/events');
    await becomes(token, 401);
    expect(core.count(INTROSPECT)).toBe(0);
  });

  it('remembers a revocation while the stream is silent', async () => {
    const token = await younger();
    core.publish('session-ended', 'session-1');
    await becomes(token, 401);
    core.streaming = false;
    await module.silent();
    expect(await status(token)).toBe(401);
  });
});

function jti(token: string): string {
  const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    jti: string;
  };
  return payload.jti;
}
