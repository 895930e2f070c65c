import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Database, sql } from '#platform';
import { audited, failTimes, tryFrom } from '../accounts/lockout-world.js';
import { addPasskey, present, setUpApp, withPassword } from '../support/factors.js';
import { pathTo } from '../support/answers.js';
import { BuiltProcess } from '../support/built-process.js';
import { linkTo, mailsTo } from '../support/mailbox.js';
import { PASSWORD, World } from '../support/world.js';

jest.setTimeout(60_000);

const MEMBER = 'member@acme.example';

describe('core-auth accounts', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.stop());

  async function run(args: string, env: Readonly<Record<string, string>> = {}) {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['accounts', ...args.split(' ').filter(Boolean)],
      env: {
        DATABASE_URL: world.database.url,
        CORE_AUTH_URL: world.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
        ...env,
      },
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }

  it('unlock ends the delays of an account, once, and is audited', async () => {
    await failTimes(world, 5, MEMBER);
    expect((await tryFrom(world, MEMBER, { password: PASSWORD })).status).toBe(429);
    expect(await run('unlock Member@Acme.example')).toEqual({
      code: 0,
      said: `${MEMBER} may sign in again from now on.`,
    });
    expect((await tryFrom(world, MEMBER, { password: PASSWORD })).status).toBe(303);
    expect((await run('unlock member@acme.example')).said).toBe(`${MEMBER} was not delayed.`);
    expect(await audited(world, 'account.unlock', world.id(MEMBER))).toMatchObject([
      { actor: 'cli', address: null, factor: null, result: 'success' },
    ]);
  });

  it('knows nobody without an account', async () => {
    expect(await run('unlock nobody@acme.example')).toEqual({
      code: 1,
      said: 'There is no account with the e-mail address nobody@acme.example.',
    });
  });

  it('end-sessions signs a person out everywhere, whom it leaves able to sign in, and nobody else', async () => {
    const away = 'away@acme.example';
    await world.createPerson(away, 'Arno Away', { acme: 'member' });
    const browsers = [await world.signIn(away), await world.signIn(away), await world.signIn(MEMBER)];
    const live = async () =>
      Promise.all(browsers.map(async (browser) => (await browser.get('/account')).status === 200));
    expect(await live()).toEqual([true, true, true]);
    expect(await run(`end-sessions ${away}`)).toEqual({ code: 0, said: `2 sessions of ${away} ended.` });
    expect(await live()).toEqual([false, false, true]);
    expect((await run(`end-sessions ${away}`)).said).toBe(`0 sessions of ${away} ended.`);
    browsers[0] = await world.signIn(away);
    expect(await live()).toEqual([true, false, true]);
  });

  it('reset-password ends a password and what it led to, leaves the factors, and lets its owner choose another by mail', async () => {
    const email = 'stolen@acme.example';
    await world.createPerson(email, 'Stan Stolen', { acme: 'member' });
    const browser = await world.signIn(email);
    const { app } = await setUpApp(world, browser);
    const client = await world.createClient({ id: 'offline-stolen' });
    const tokens = await world.exchange(
      client,
      await world.code(client, browser, { scope: 'openid offline_access' }),
    );
    const signIn = (password: string, by = world.browser()) =>
      by.submit('/sign-in', '/sign-in', { email, password });

    const noMail = { NODE_ENV: 'production', CORE_AUTH_URL: 'https://auth.example' };
    expect(await run(`reset-password ${email}`, noMail)).toEqual({
      code: 1,
      said: expect.stringContaining('Set CORE_AUTH_SMTP_URL'),
    });
    expect((await browser.get('/account')).status).toBe(200);

    expect(await run(`reset-password ${email}`)).toEqual({
      code: 0,
      said: `The password of ${email} no longer works, and 1 session ended. A mail tells them to choose another.`,
    });
    expect((await browser.get('/account')).status).toBe(303);
    expect((await signIn(PASSWORD)).status).toBe(401);
    const refreshed = await world.refresh(client, String(tokens.body['refresh_token']));
    expect(refreshed.body['error']).toBe('invalid_grant');
    expect((await mailsTo(world, email))[0]).toMatchObject({
      subject: 'The password of your account no longer works',
    });
    expect(await linkTo(world, email)).toBe('/forgot-password');
    expect(await audited(world, 'account.reset-password', world.id(email))).toMatchObject([
      { actor: 'cli', result: 'success' },
    ]);
    expect((await run(`reset-password ${email}`)).said).toBe(`${email} has no password.`);

    const owner = world.browser();
    await owner.submit('/forgot-password', '/forgot-password', { email });
    const chosen = 'nineteen quiet pelicans';
    await owner.submit((await linkTo(world, email)) ?? '', '/reset-password', { password: chosen });
    expect(pathTo(await signIn(chosen, owner))).toMatch(/^\/sign-in\/second-factor/);
    expect((await present(owner, { method: 'totp', code: app.freshCode() })).status).toBe(303);
  });

  describe('remove-factors', () => {
    /** Somebody with an app, a passkey and recovery codes. */
    const protectedPerson = async (email: string) => {
      await world.createPerson(email, 'Lola Lost', { acme: 'member' });
      const browser = await world.signIn(email);
      const { app } = await setUpApp(world, browser);
      await addPasskey(browser, world.url);
      return { browser, app };
    };
    const signIn = async (email: string, password: string, browser = world.browser()) => {
      const answer = await browser.submit('/sign-in', '/sign-in', { email, password });
      return answer.status === 303 ? pathTo(answer).split('?')[0] : answer.status;
    };
    const stateOf = async (email: string) => {
      const [state] = await world.app.get(Database).query<Record<string, unknown>>(sql`
        SELECT u.second_factors AS counted, u.password_hash IS NOT NULL AS password,
               (SELECT count(*)::int FROM totp_factors WHERE user_id = u.id) AS apps,
               (SELECT count(*)::int FROM passkeys WHERE user_id = u.id) AS passkeys,
               (SELECT count(*)::int FROM recovery_codes WHERE user_id = u.id) AS codes,
               (SELECT count(*)::int FROM known_devices WHERE user_id = u.id) AS devices,
               (SELECT count(*)::int FROM pending_sign_ins WHERE user_id = u.id) AS waiting,
               (SELECT count(*)::int FROM sessions WHERE user_id = u.id AND ended_at IS NULL) AS sessions,
               (SELECT count(*)::int FROM authorizations WHERE user_id = u.id AND state <> 'revoked') AS allowed
          FROM users u WHERE email = ${email}`);
      return state;
    };
    const NOTHING = {
      counted: 0,
      apps: 0,
      passkeys: 0,
      codes: 0,
      devices: 0,
      waiting: 0,
      sessions: 0,
      allowed: 0,
    };
    const SUBJECT = 'The second factors of your account were removed';

    it('lets in by the password alone who has lost all, ends what they had open, tells them, and is audited', async () => {
      const email = 'lost@acme.example';
      const { browser, app } = await protectedPerson(email);
      const client = await world.createClient({ id: 'offline-lost' });
      const code = await world.code(client, browser, { scope: 'openid offline_access' });
      const { body } = await world.exchange(client, code);
      const remembered = await withPassword(world, email);
      await present(remembered, { method: 'totp', code: app.freshCode(), remember: 'on' });
      const page = await (await withPassword(world, email)).get('/sign-in/second-factor');
      expect(await page.text()).toContain(
        'Have you lost all that is asked for here? Ask whoever runs this service',
      );
      expect(await stateOf(email)).toMatchObject({
        counted: 2,
        codes: 10,
        waiting: 1,
        sessions: 2,
        password: true,
      });

      expect(await run('remove-factors Lost@Acme.example')).toEqual({
        code: 0,
        said:
          `${email} has no second factor from now on; 2 sessions ended.\n` +
          'They sign in with their password, and add a factor at /account/security.',
      });
      expect(await stateOf(email)).toEqual({ ...NOTHING, password: true });
      expect((await remembered.get('/account')).status).toBe(303);
      expect((await world.refresh(client, String(body['refresh_token']))).body['error']).toBe(
        'invalid_grant',
      );
      expect((await mailsTo(world, email))[0]).toMatchObject({ subject: SUBJECT });
      expect(await audited(world, 'account.remove-factors', world.id(email))).toMatchObject([
        { actor: 'cli', address: null, factor: null, result: 'success' },
      ]);
      expect(await signIn(email, PASSWORD)).toBe('/');
      expect((await (await world.signIn(email)).get('/account')).status).toBe(200);

      expect(await run(`remove-factors ${email}`)).toEqual({
        code: 0,
        said: `${email} has no second factor.`,
      });
      expect(await audited(world, 'account.remove-factors', world.id(email))).toHaveLength(1);
    });

    it('leaves nobody a password that was good only beside the factor: another is chosen by mail', async () => {
      const email = 'short@acme.example';
      const short = 'quiet gnus';
      const long = 'nineteen quiet pelicans';
      const { browser } = await protectedPerson(email);
      const chosen = { current_password: PASSWORD, password: short };
      await browser.submit('/account/password', '/account/password', chosen);
      expect(await signIn(email, short)).toBe('/sign-in/second-factor');

      const before = await stateOf(email);
      const refused = await run(`remove-factors ${email}`, {
        NODE_ENV: 'production',
        CORE_AUTH_URL: 'https://auth.example',
      });
      expect(refused).toEqual({ code: 1, said: expect.stringContaining('Set CORE_AUTH_SMTP_URL') });
      expect(await stateOf(email)).toEqual(before);

      const { code, said } = await run(`remove-factors ${email}`);
      expect([code, said]).toEqual([0, expect.stringContaining('no longer works: they choose one by')]);
      expect(await stateOf(email)).toEqual({ ...NOTHING, password: false });
      expect(await signIn(email, short)).toBe(401);
      expect(await linkTo(world, email)).toBe('/forgot-password');

      const other = world.browser();
      await other.submit('/forgot-password', '/forgot-password', { email });
      const path = (await linkTo(world, email)) ?? '';
      expect((await other.submit(path, '/reset-password', { password: short })).status).toBe(400);
      expect((await other.submit(path, '/reset-password', { password: long })).status).toBe(303);
      expect(await signIn(email, long)).toBe('/');
      expect(await stateOf(email)).toMatchObject({ counted: 0, sessions: 1 });
    });
  });

  it.each(['', 'unlock', 'end-sessions', 'remove-factors', 'lock a', 'unlock a b'])(
    'explains itself when it is given "%s"',
    async (args) => {
      const { code, said } = await run(args);
      expect([code, said.split('\n')[0]]).toEqual([1, 'Usage: core-auth accounts <what>']);
    },
  );
});
