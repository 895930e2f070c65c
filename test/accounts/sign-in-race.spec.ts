import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from 'pg';
import { PasswordHasher } from '#accounts';
import { KnownDevices, SessionRepository } from '#sessions';
import { setUpApp } from '../support/factors.js';
import { endPassword } from '../support/passwords.js';
import { statementsWait } from '../support/waiting-statements.js';
import { PASSWORD, World } from '../support/world.js';
import { tryFrom } from './lockout-world.js';

jest.setTimeout(60_000);

const NEW = 'nineteen quiet pelicans';

describe('a password that changes while somebody signs in with it', () => {
  let world: World;
  let lock: Client;

  beforeAll(async () => {
    world = await World.start();
    lock = new Client({ connectionString: world.database.url });
    await lock.connect();
  });
  afterAll(async () => {
    await lock.end();
    await world.stop();
  });

  /** Signs in by a browser, of which the old password is looked at when it has just been changed. */
  async function signInLate(email: string) {
    const browser = world.browser();
    await tryFrom(world, email);
    await lock.query('BEGIN');
    await lock.query('SELECT FROM sign_in_failures FOR UPDATE');
    const late = tryFrom(world, email, { browser, password: PASSWORD });
    await statementsWait(lock, 1);
    world.clock.advance(1000);
    const hash = await world.app.get(PasswordHasher).hash(NEW);
    expect(await endPassword(world, world.id(email), hash)).toBeDefined();
    await lock.query('COMMIT');
    return { browser, answer: await late };
  }

  it('opens no session, and the browser is not known from then on', async () => {
    const email = 'late@acme.example';
    await world.createPerson(email, 'Lara Late', { acme: 'member' });
    const { browser, answer } = await signInLate(email);
    expect(answer.status).toBe(303);
    const secrets = (browser.cookie('core_auth_devices') ?? '').split('.').filter(Boolean);
    expect([browser.cookieNames.includes('core_auth_session'), secrets.length]).toEqual([true, 1]);
    expect((await browser.get('/account')).status).toBe(303);
    expect(await world.app.get(KnownDevices).find(world.id(email), secrets)).toBeUndefined();
  });

  it('leads to no second step either', async () => {
    const email = 'late-too@acme.example';
    await world.createPerson(email, 'Lena Late', { acme: 'member' });
    await setUpApp(world, await world.signIn(email));
    const { browser, answer } = await signInLate(email);
    expect(answer.headers.get('location')).toContain('/sign-in/second-factor');
    const step = await browser.get('/sign-in/second-factor');
    expect([step.status, new URL(step.headers.get('location') ?? '', world.url).pathname]).toEqual([
      303,
      '/sign-in',
    ]);
  });

  it('and who changes it do not wait for each other: both lock sessions before devices', async () => {
    const email = 'hasty@acme.example';
    const userId = await world.createPerson(email, 'Hanna Hasty', { acme: 'member' });
    const sessions = world.app.get(SessionRepository);
    const hash = await world.app.get(PasswordHasher).hash(PASSWORD);
    const given = { userId, amr: ['pwd'], userAgent: '', address: '127.0.0.1' };
    for (let round = 0; round < 60; round += 1) {
      await lock.query(
        `INSERT INTO known_devices (id, user_id, secret_sha256, first_seen_at, last_seen_at)
         VALUES (gen_random_uuid(), $1, sha256($2), now(), now())`,
        [userId, `device ${round}`],
      );
      const { rows } = await lock.query<{ id: string }>('SELECT id FROM known_devices WHERE user_id = $1', [
        userId,
      ]);
      const secrets = await Promise.all([0, 1, 2].map(() => sessions.start(given)));
      await Promise.all([
        ...secrets.map((currentSecret) =>
          sessions.startAtKnownDevice({ ...given, currentSecret }, rows[0]?.id ?? ''),
        ),
        endPassword(world, userId, hash),
      ]);
    }
  });
});
