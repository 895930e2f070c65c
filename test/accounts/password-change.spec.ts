import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { PasswordHasher } from '#accounts';
import { MailSealer } from '#platform';
import { PasswordRepository, SessionRepository } from '#sessions';
import { pathTo } from '../support/answers.js';
import { endPassword } from '../support/passwords.js';
import { statementsWait } from '../support/waiting-statements.js';
import { World } from '../support/world.js';

const MEMBER = 'member@acme.example';
const OWNER = 'owner@acme.example';
const NEW = 'a quite different passphrase';

describe('a new password', () => {
  let world: World;
  let database: Client;

  beforeAll(async () => {
    world = await World.start();
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await world.stop();
  });

  const change = async (email: string) => {
    world.clock.advance(1000);
    const hash = await world.app.get(PasswordHasher).hash(NEW);
    return endPassword(world, world.id(email), hash);
  };
  const tokens = async (email: string, scope: string) => {
    const client = world.client('projects');
    const browser = await world.signIn(email);
    const { body } = await world.exchange(client, await world.code(client, browser, { scope }));
    return { client, browser, access: String(body['access_token']), refresh: String(body['refresh_token']) };
  };

  it('ends every session and every authorization of the person, offline ones too, and nobody else’s', async () => {
    const online = await tokens(MEMBER, 'openid projects:read');
    const offline = await tokens(MEMBER, 'openid offline_access projects:read');
    const other = await tokens(OWNER, 'openid offline_access projects:read');
    expect(await change(MEMBER)).toBeGreaterThan(1);
    for (const { client, access, refresh } of [online, offline]) {
      expect((await world.introspect(client, access)).body).toEqual({ active: false });
      expect((await world.introspect(client, refresh)).body).toEqual({ active: false });
      expect((await world.refresh(client, refresh)).status).toBe(400);
    }
    expect(pathTo(await online.browser.get('/'))).toMatch(/^\/sign-in/);
    expect((await world.introspect(other.client, other.access)).body).toMatchObject({ active: true });
    expect((await world.refresh(other.client, other.refresh)).status).toBe(200);
  });

  it('a code that was given before it is worth nothing after it', async () => {
    const client = world.client('projects');
    const code = await world.code(client, await world.signIn(OWNER), { scope: 'openid offline_access' });
    await change(OWNER);
    expect((await world.exchange(client, code)).status).toBe(400);
  });

  it('is on record, and told once per session and once for the account', async () => {
    const id = world.id('consultant@partners.example');
    await Promise.all([
      world.signIn('consultant@partners.example'),
      world.signIn('consultant@partners.example'),
    ]);
    await change('consultant@partners.example');
    const told = await database.query<{ kind: string }>(
      `SELECT kind FROM outbox WHERE kind <> 'membership-changed'
          AND (subject = $1 OR subject IN (SELECT id::text FROM sessions WHERE user_id::text = $1))
        ORDER BY kind`,
      [id],
    );
    expect(told.rows.map(({ kind }) => kind)).toEqual([
      'credential-changed',
      'session-ended',
      'session-ended',
    ]);
    const audited = await database.query(
      "SELECT 1 FROM audit_events WHERE target = $1 AND act = 'account.reset-password'",
      [id],
    );
    expect(audited.rowCount).toBe(1);
  });

  it('of two that its owner chose in two sessions at the same moment one is taken', async () => {
    const userId = world.id(MEMBER);
    const sessions = world.app.get(SessionRepository);
    const [passwords, sealer] = [world.app.get(PasswordRepository), world.app.get(MailSealer)];
    for (let round = 0; round < 5; round += 1) {
      const from = `hash ${round}`;
      await endPassword(world, userId, from);
      const both = await Promise.all(
        [1, 2].map(async () => {
          const secret = await sessions.start({ userId, amr: ['pwd'], userAgent: '', address: '127.0.0.1' });
          const session = await sessions.find(secret);
          if (!session) throw new Error('no session');
          return session;
        }),
      );
      await database.query('BEGIN');
      await database.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [userId]);
      const changes = Promise.all(
        both.map((session, index) =>
          passwords.changeOwn({
            session,
            from,
            to: { hash: `hash ${round} of ${index}`, standsAlone: true },
            by: { id: userId, address: null, factor: 'pwd' },
            notice: sealer.seal({ to: MEMBER, subject: 'A notice', paragraphs: [] }),
          }),
        ),
      );
      // both have begun when the first may go on
      await statementsWait(database, 2);
      await database.query('COMMIT');
      const taken = await changes;
      expect(taken.filter((secret) => secret !== undefined)).toHaveLength(1);
    }
  });

  it('of an unknown account changes nothing', async () => {
    expect(await endPassword(world, randomUUID())).toBeUndefined();
  });
});
