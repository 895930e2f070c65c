import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { Client } from 'pg';
import { Sweeper } from '../../apps/server/sweeper.js';
import { eventually } from '../support/answers.js';
import { LogoutReceiver } from '../support/logout-receiver.js';
import { claimsOf, World, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';

describe('back-channel logout (OpenID Connect Back-Channel Logout 1.0)', () => {
  let world: World;
  let receiver: LogoutReceiver;
  let other: LogoutReceiver;
  let told: TestClient;
  let toldToo: TestClient;
  let database: Client;

  beforeAll(async () => {
    world = await World.start();
    receiver = await LogoutReceiver.start();
    other = await LogoutReceiver.start();
    told = await world.createClient({ id: 'told', backchannelLogoutUri: receiver.url });
    toldToo = await world.createClient({
      id: 'told-too',
      backchannelLogoutUri: other.url,
      idTokenAlgorithm: 'RS256',
    });
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await world.stop();
    await Promise.all([receiver.stop(), other.stop()]);
  });
  afterEach(() => {
    for (const { received, answers } of [receiver, other]) {
      received.length = 0;
      answers.length = 0;
    }
  });

  /** A person who has signed in to these clients by one session, and the session's id. */
  const session = async (...clients: TestClient[]) => {
    const browser = await world.signIn(MEMBER);
    let sid = '';
    for (const client of clients) {
      const { body } = await world.exchange(client, await world.code(client, browser));
      sid = String(claimsOf(String(body['access_token']))['sid']);
    }
    return { sid, signOut: () => browser.submit('/sign-out', '/sign-out', {}) };
  };
  const heard = ({ received }: LogoutReceiver, count = 1) =>
    eventually(() => (received.length >= count ? received : undefined), `${count} logout tokens`);
  const tokenAt = ({ received }: LogoutReceiver, index: number) =>
    received[index]?.fields.get('logout_token') ?? '';
  const delivery = async (sid: string) =>
    (
      await database.query<Record<string, unknown>>(
        "SELECT * FROM deliveries WHERE kind = 'logout' AND reference = $1",
        [sid],
      )
    ).rows[0];
  const settled = (sid: string) =>
    eventually(async () => {
      const row = await delivery(sid);
      return row?.['delivered_at'] || row?.['failed_at'] || row?.['last_error'] ? row : undefined;
    }, 'the end of an attempt');

  it('§2.4, §2.5: a logout token is posted as a form, with iss, aud, iat, exp, jti, sub, sid and events, and no nonce', async () => {
    const { sid, signOut } = await session(told);
    await signOut();
    await heard(receiver);
    expect(receiver.received[0]?.contentType).toContain('application/x-www-form-urlencoded');
    expect([...(receiver.received[0]?.fields.keys() ?? [])]).toEqual(['logout_token']);
    const token = tokenAt(receiver, 0);
    const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as Record<
      string,
      string
    >;
    expect(header).toEqual({ alg: 'ES256', typ: 'logout+jwt', kid: expect.any(String) });
    const now = Math.floor(world.clock.now().getTime() / 1000);
    expect(claimsOf(token)).toEqual({
      iss: world.url,
      aud: 'told',
      iat: now,
      exp: now + 120,
      jti: expect.any(String),
      sub: world.id(MEMBER),
      sid,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    const { keys } = (await (await fetch(`${world.url}/oauth2/jwks`)).json()) as {
      keys: (JsonWebKey & { kid: string })[];
    };
    const [signed, signature] = [
      token.slice(0, token.lastIndexOf('.')),
      token.slice(token.lastIndexOf('.') + 1),
    ];
    const key = createPublicKey({ key: keys.find(({ kid }) => kid === header['kid']) ?? {}, format: 'jwk' });
    expect(
      verify(
        'sha256',
        Buffer.from(signed),
        { key, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      ),
    ).toBe(true);
  });

  it('§2.3: every client that the session had signed in to is told once, each with a token of its own algorithm', async () => {
    const { sid, signOut } = await session(told, toldToo, told);
    await signOut();
    await Promise.all([heard(receiver), heard(other)]);
    const [one, two] = [tokenAt(receiver, 0), tokenAt(other, 0)];
    expect([claimsOf(one)['aud'], claimsOf(two)['aud']]).toEqual(['told', 'told-too']);
    expect(JSON.parse(Buffer.from(two.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({
      alg: 'RS256',
    });
    await settled(sid);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect([receiver.received.length, other.received.length]).toEqual([1, 1]);
  });

  it('§2.5: a client that did not take it is told again after 10 s, then 20 s, each time with a fresh token, until it does', async () => {
    receiver.answers.push(503, 302);
    const { sid, signOut } = await session(told);
    await signOut();
    await heard(receiver);
    expect(await settled(sid)).toMatchObject({
      attempts: 1,
      delivered_at: null,
      last_error: expect.stringContaining('503'),
    });
    world.clock.advance(9_000);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(receiver.received).toHaveLength(1);
    world.clock.advance(2_000);
    await heard(receiver, 2);
    // the next one is due from what was written down of this one
    await eventually(
      async () => String((await delivery(sid))?.['last_error']).includes('302') || undefined,
      'the end of the second attempt',
    );
    world.clock.advance(21_000);
    await heard(receiver, 3);
    const tokens = receiver.received.map((_, index) => claimsOf(tokenAt(receiver, index)));
    expect(new Set(tokens.map(({ jti }) => jti)).size).toBe(3);
    expect(Number(tokens[2]?.['iat'])).toBeGreaterThan(Number(tokens[0]?.['iat']));
    await eventually(async () => (await delivery(sid))?.['delivered_at'] ?? undefined, 'the delivery');
    expect(await delivery(sid)).toMatchObject({ attempts: 3, failed_at: null });
  });

  it('what one node could not deliver another delivers', async () => {
    receiver.answers.push(500);
    const { sid, signOut } = await session(told);
    await signOut();
    await heard(receiver);
    await settled(sid);
    const node = await World.start({ beside: world });
    world.clock.advance(11_000);
    await heard(receiver, 2);
    await eventually(async () => (await delivery(sid))?.['delivered_at'] ?? undefined, 'the delivery');
    expect(receiver.received).toHaveLength(2);
    await node.stop();
  });

  it('a node that dies while it reads the outbox loses no logout: the others do it', async () => {
    const connection = async () => {
      const client = new Client({ connectionString: world.database.url });
      await client.connect();
      return client;
    };
    const [ending, dying] = [await connection(), await connection()];
    const { sid } = await session(told);
    // the session ends in a transaction older than the dying node's, which therefore does not hold its event back
    await ending.query('BEGIN');
    await ending.query('UPDATE sessions SET ended_at = now() WHERE id = $1', [sid]);
    await ending.query("INSERT INTO outbox (kind, subject) VALUES ('session-ended', $1)", [sid]);
    await dying.query('BEGIN');
    await dying.query('SELECT 1 FROM outbox_readers FOR UPDATE');
    await ending.query('COMMIT');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(receiver.received).toHaveLength(0);
    await dying.query('ROLLBACK');
    await Promise.all([ending.end(), dying.end()]);
    await heard(receiver);
  });

  it('after twelve attempts it is given up, which is on record', async () => {
    receiver.answers.push(500, 502, 500, 500, 500);
    const { sid, signOut } = await session(told);
    await signOut();
    await heard(receiver);
    await settled(sid);
    await database.query('UPDATE deliveries SET attempts = 10 WHERE reference = $1', [sid]);
    world.clock.advance(3_601_000);
    await heard(receiver, 2);
    await eventually(
      async () => String((await delivery(sid))?.['last_error']).includes('502') || undefined,
      'the end of the eleventh',
    );
    expect(await delivery(sid)).toMatchObject({ attempts: 11, failed_at: null });
    world.clock.advance(3_601_000);
    await heard(receiver, 3);
    await eventually(async () => (await delivery(sid))?.['failed_at'] ?? undefined, 'the end of it');
    world.clock.advance(3_601_000);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(receiver.received).toHaveLength(3);
  });

  it('an administrator who ends the session is heard as the person is', async () => {
    const { SessionRepository } = await import('#sessions');
    const { sid } = await session(told);
    await world.app.get(SessionRepository).end(sid, 'administrator');
    await heard(receiver);
    expect(claimsOf(tokenAt(receiver, 0))['sid']).toBe(sid);
  });

  it('a client that was disabled is not told', async () => {
    const disabled = await world.createClient({ id: 'disabled', backchannelLogoutUri: receiver.url });
    const { signOut } = await session(told, disabled);
    await world.clients.disable('disabled', world.clock.now(), 'test');
    await signOut();
    await heard(receiver);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(receiver.received.map((_, index) => claimsOf(tokenAt(receiver, index))['aud'])).toEqual(['told']);
  });

  it('a client that is disabled before it could be told is given up', async () => {
    const leaving = await world.createClient({ id: 'leaving', backchannelLogoutUri: receiver.url });
    receiver.answers.push(503);
    const { sid, signOut } = await session(leaving);
    await signOut();
    await settled(sid);
    await world.clients.disable('leaving', world.clock.now(), 'test');
    world.clock.advance(11_000);
    await eventually(async () => (await delivery(sid))?.['failed_at'] ?? undefined, 'the end of it');
    expect(receiver.received).toHaveLength(1);
  });

  describe('when the time of a session is over', () => {
    const ends = async (sid: string) =>
      (await database.query<{ ended_at: Date | null }>('SELECT ended_at FROM sessions WHERE id = $1', [sid]))
        .rows[0]?.ended_at;
    const expire = (sid: string) =>
      database.query('UPDATE sessions SET expires_at = $1 WHERE id = $2', [world.clock.now(), sid]);

    it('§2.4, §2.5: its clients are told, each once however many nodes look, and it is audited', async () => {
      const node = await World.start({ beside: world });
      const sessions = [];
      for (let number = 0; number < 5; number += 1) sessions.push(await session(told));
      for (const { sid } of sessions) await expire(sid);
      await heard(receiver, 5);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      const sids = receiver.received.map((_, index) => claimsOf(tokenAt(receiver, index))['sid']);
      expect(sids.toSorted()).toEqual(sessions.map(({ sid }) => sid).toSorted());
      for (const { sid } of sessions) {
        const { rows } = await database.query(
          'SELECT act, actor FROM audit_events WHERE target = $1 AND act <> $2',
          [sid, 'session.start'],
        );
        expect(rows.filter(({ act }: { act: string }) => act.startsWith('session.e'))).toEqual([
          { act: 'session.expire', actor: 'system' },
        ]);
        const told = await database.query(
          "SELECT FROM outbox WHERE kind = 'session-ended' AND subject = $1",
          [sid],
        );
        expect(told.rowCount).toBe(1);
      }
      await node.stop();
    });

    it('a client that cannot be reached then is told later', async () => {
      receiver.answers.push(503);
      const { sid } = await session(told);
      await expire(sid);
      await settled(sid);
      world.clock.advance(11_000);
      await heard(receiver, 2);
      await eventually(async () => (await delivery(sid))?.['delivered_at'] ?? undefined, 'the delivery');
    });

    it('OpenID Connect Core §11: offline access goes on, also when what is over is removed', async () => {
      const browser = await world.signIn(MEMBER);
      const { body } = await world.exchange(
        told,
        await world.code(told, browser, { scope: 'openid offline_access' }),
      );
      const sid = String(
        claimsOf(String(body['access_token']))['sid'] ?? claimsOf(String(body['id_token']))['sid'],
      );
      await expire(sid);
      await eventually(async () => (await ends(sid)) ?? undefined, 'the end of the session');
      await database.query(
        "UPDATE sessions SET expires_at = now() - interval '3 days', ended_at = expires_at",
      );
      await world.app.get(Sweeper).sweep();
      expect((await world.refresh(told, String(body['refresh_token']))).status).toBe(200);
    });

    it('a session that is renewed at this very moment goes on', async () => {
      const renewing = new Client({ connectionString: world.database.url });
      await renewing.connect();
      const { sid } = await session(told);
      await renewing.query('BEGIN');
      await renewing.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [sid]);
      world.clock.advance(86_400_000);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      const later = new Date(world.clock.now().getTime() + 86_400_000);
      await renewing.query('UPDATE sessions SET expires_at = $1 WHERE id = $2', [later, sid]);
      await renewing.query('COMMIT');
      await renewing.end();
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(await ends(sid)).toBeNull();
    });

    it('a session that is only idle is not over: the person signs in again and it goes on, nobody is told', async () => {
      const { sid } = await session(told);
      world.clock.advance(3_700_000);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(await ends(sid)).toBeNull();
      // of the session before it something may still come
      expect(receiver.received.map((_, index) => claimsOf(tokenAt(receiver, index))['sid'])).not.toContain(
        sid,
      );
    });
  });

  it('how long a logout takes to arrive is measured', async () => {
    const { DeliveryLogRepository } = await import('#events');
    const { sid, signOut } = await session(told);
    await signOut();
    await eventually(async () => (await delivery(sid))?.['delivered_at'] ?? undefined, 'the delivery');
    const measure = await world.app.get(DeliveryLogRepository).measure('logout', told.id);
    expect(measure.delivered).toBeGreaterThan(0);
    expect(measure.latencyP50Ms).toBeGreaterThan(0);
    expect((await delivery(sid))?.['latency_ms']).toBeLessThan(2000);
  });

  it.each([
    ['http://93.184.216.34/logout', 'must be https'],
    ['https://10.0.0.1/logout', 'must not point into a private network'],
    ['https://169.254.169.254/logout', 'must not point into a private network'],
    ['https://93.184.216.34/logout#here', 'must not have a fragment'],
    ['https://user@93.184.216.34/logout', 'must not contain user information'],
    ['logout', 'must be an absolute URL'],
  ])('§2.2: %s cannot be registered as the address to be told at', async (backchannelLogoutUri, reason) => {
    await expect(world.createClient({ id: 'never', backchannelLogoutUri })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_client_metadata',
      publicMessage: `The back-channel logout URI ${reason}.`,
    });
    expect(await world.clients.find('never')).toBeUndefined();
  });

  it('ASVS 5.0 V7.4.2: when an account is disabled its sessions end, and the clients are told', async () => {
    const leaver = 'disabled@acme.example';
    await world.createPerson(leaver, 'Dee Disabled', { acme: 'member' });
    const browser = await world.signIn(leaver);
    const { body } = await world.exchange(told, await world.code(told, browser));
    const sid = String(claimsOf(String(body['access_token']))['sid']);
    await world.accounts.disableUser(world.id(leaver), 'test');
    await heard(receiver);
    expect(claimsOf(tokenAt(receiver, 0))).toMatchObject({ sub: world.id(leaver), sid });
  });
});
