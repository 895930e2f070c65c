import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { Database, sql } from '#platform';
import { pathTo } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { addPasskey, optionsAt } from '../support/factors.js';
import { linkTo, mailsTo } from '../support/mailbox.js';
import { endPassword } from '../support/passwords.js';
import { PASSWORD, World } from '../support/world.js';

const NEW = 'nineteen quiet pelicans';

describe('a forgotten password', () => {
  let world: World;
  let database: Client;
  let people = 0;
  beforeAll(async () => {
    world = await World.start();
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  }, 60_000);
  afterAll(async () => {
    await database.end();
    await world.stop();
  });

  const person = async () => {
    const email = `forgetful-${(people += 1)}@acme.example`;
    await world.createPerson(email, 'Mira Delgado', { acme: 'member' });
    return email;
  };
  const ask = (email: string) => world.browser().submit('/forgot-password', '/forgot-password', { email });
  const link = async (email: string) => {
    await ask(email);
    return (await linkTo(world, email)) ?? '';
  };
  const reset = (path: string, password = NEW, browser: HttpBrowser = world.browser()) =>
    browser.submit(path, '/reset-password', { password });
  const signIn = async (email: string, password: string) =>
    (await world.browser().submit('/sign-in', '/sign-in', { email, password })).status;

  it('is replaced by a link that was mailed; a notice tells, and the address counts as proved', async () => {
    const email = await person();
    const path = await link(email);
    expect(path).toMatch(/^\/reset-password\?token=[\w-]{43}$/);
    expect(pathTo(await reset(path))).toBe('/reset-password/done');
    expect([await signIn(email, PASSWORD), await signIn(email, NEW)]).toEqual([401, 303]);
    expect((await mailsTo(world, email))[0]?.subject).toBe('Your password was changed');
    const { rows } = await database.query(
      `SELECT email_verified_at IS NOT NULL AS verified,
              (SELECT array_agg(act ORDER BY act) FROM audit_events
                WHERE target = users.id::text AND act LIKE '%reset-password%') AS acts
         FROM users WHERE email = $1`,
      [email],
    );
    expect(rows).toEqual([{ verified: true, acts: ['reset-password.request', 'user.reset-password'] }]);
  });

  it('ends every session and every authorization, and signs nobody in', async () => {
    const email = await person();
    await world.assignSeat(world.id('license:acme:reports'), email).catch(() => undefined);
    const client = world.client('projects');
    const browser = await world.signIn(email);
    const { body } = await world.exchange(
      client,
      await world.code(client, browser, { scope: 'openid offline_access projects:read' }),
    );
    world.clock.advance(1000);
    const resetting = world.browser();
    await reset(await link(email), NEW, resetting);
    expect(pathTo(await browser.get('/'))).toMatch(/^\/sign-in/);
    expect(pathTo(await resetting.get('/'))).toMatch(/^\/sign-in/);
    expect((await world.refresh(client, String(body['refresh_token']))).status).toBe(400);
  });

  it('a password that was ended is chosen again neither by the link nor with a passkey, until another was', async () => {
    const email = await person();
    const { authenticator } = await addPasskey(await world.signIn(email), world.url);
    await endPassword(world, world.id(email));
    const ended = async () =>
      (await database.query('SELECT ended_password_hash AS hash FROM users WHERE email = $1', [email])).rows;
    const owner = world.browser();
    const options = await optionsAt(owner, '/sign-in', '/sign-in/passkey');
    const credential = JSON.stringify(authenticator.get(options));
    await owner.submit('/sign-in', '/sign-in/passkey', { credential });
    const choose = (password: string) => owner.submit('/account/password', '/account/password', { password });
    const path = await link(email);
    for (const answer of [await reset(path, PASSWORD), await choose(PASSWORD)]) {
      expect(answer.status).toBe(400);
      expect(await answer.text()).toMatch(
        /id="password-error">.*<\/svg>This password was ended because somebody else may know it/,
      );
    }
    expect(await ended()).toEqual([{ hash: expect.stringContaining('argon2id') }]);
    expect(pathTo(await reset(path))).toBe('/reset-password/done');
    expect(await ended()).toEqual([{ hash: null }]);

    await endPassword(world, world.id(email));
    await owner.submit('/sign-in', '/sign-in/passkey', {
      credential: JSON.stringify(authenticator.get(await optionsAt(owner, '/sign-in', '/sign-in/passkey'))),
    });
    expect((await choose(NEW)).status).toBe(400);
    expect(pathTo(await choose(`${NEW} again`))).toBe('/account/password/changed');
    expect(await ended()).toEqual([{ hash: null }]);
  });

  it('opens an account that failed sign-ins had closed', async () => {
    const email = await person();
    for (let count = 0; count < 6; count += 1) await signIn(email, 'wrong');
    expect(await signIn(email, PASSWORD)).toBe(429);
    await reset(await link(email));
    expect(await signIn(email, NEW)).toBe(303);
  });

  it('an address without an account is answered as one with; so is a disabled one. The mail says there is none', async () => {
    const disabled = await person();
    await world.accounts.disableUser((await world.accounts.findForSignIn(disabled))?.id ?? '', 'test');
    const visible = async (email: string) => {
      const response = await ask(email);
      return {
        status: response.status,
        location: response.headers.get('location'),
        body: await response.text(),
      };
    };
    const known = await visible(await person());
    for (const email of ['nobody@acme.example', disabled]) {
      expect(await visible(email)).toEqual(known);
      const mails = await mailsTo(world, email);
      expect(mails.map(({ subject }) => subject)).toEqual(['There is no account with this address']);
      expect(JSON.stringify(mails)).not.toContain('token');
    }
  });

  it('known and unknown addresses cost the database the same', async () => {
    const rows = async () =>
      (
        await database.query<Record<string, number>>(`
          SELECT (SELECT count(*)::int FROM mails) AS mails, (SELECT count(*)::int FROM one_time_tokens) AS tokens,
                 (SELECT count(*)::int FROM audit_events) AS audit`)
      ).rows[0] ?? {};
    const cost = async (email: string) => {
      const before = await rows();
      await ask(email);
      const after = await rows();
      return Object.keys(after).map((key) => (after[key] ?? 0) - (before[key] ?? 0));
    };
    expect(await cost(await person())).toEqual([1, 1, 1]);
    expect(await cost('nobody-at-all@acme.example')).toEqual([1, 1, 1]);
  });

  it('one link sets one password, once, at two nodes at once', async () => {
    const node = await World.start({ beside: world });
    for (let round = 0; round < 4; round += 1) {
      const email = await person();
      const path = await link(email);
      const browsers = Array.from({ length: 4 }, (_, index) => (index % 2 ? node : world).browser());
      const forms = await Promise.all(
        browsers.map(async (one) => hiddenFields(await (await one.get(path)).text())),
      );
      const answers = await Promise.all(
        browsers.map((one, index) =>
          one.post('/reset-password', { ...forms[index], password: `${NEW} number ${index}` }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([303, 400, 400, 400]);
      const winner = answers.findIndex(({ status }) => status === 303);
      expect(await signIn(email, `${NEW} number ${winner}`)).toBe(303);
    }
    await node.stop();
  }, 60_000);

  it('with one link used, the others for the account are void; so they are after any change of the password', async () => {
    const email = await person();
    const [first, second] = [await link(email), await link(email)];
    expect(first).not.toBe(second);
    await reset(second);
    expect((await world.browser().get(first)).status).toBe(400);
  });

  it('two links and a change by who is signed in, all at once: one after the other, and none fails', async () => {
    const node = await World.start({ beside: world });
    for (let round = 0; round < 6; round += 1) {
      const email = await person();
      const paths = [await link(email), await link(email)];
      const owner = await world.signIn(email);
      const answers = await Promise.all([
        reset(paths[0] ?? '', `${NEW} one`),
        reset(paths[1] ?? '', `${NEW} two`, node.browser()),
        owner.submit('/account/password', '/account/password', {
          current_password: PASSWORD,
          password: `${NEW} three`,
        }),
      ]);
      expect(Math.max(...answers.map(({ status }) => status))).toBeLessThan(500);
      const right: number[] = [];
      for (const which of ['one', 'two', 'three']) right.push(await signIn(email, `${NEW} ${which}`));
      expect(right.filter((status) => status === 303)).toHaveLength(1);
    }
    await node.stop();
  }, 60_000);

  it.each([
    ['expired', (path: string) => (world.clock.advance(3_600_001), path)],
    ['altered', (path: string) => path.slice(0, -2) + (path.endsWith('AA') ? 'BB' : 'AA')],
    ['of another purpose', (path: string) => path.replace('/reset-password', '/register/complete')],
    ['cut short', (path: string) => path.slice(0, -1)],
    ['without a token', () => '/reset-password'],
  ])('a link that is %s changes nothing', async (_, change) => {
    const email = await person();
    const response = await world.browser().get(change(await link(email)));
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('This link no longer works');
    expect(await signIn(email, PASSWORD)).toBe(303);
  });

  it('a link is worth nothing once the account has another address, or is disabled', async () => {
    const [moved, disabled] = [await person(), await person()];
    const paths = [await link(moved), await link(disabled)];
    await world.app
      .get(Database)
      .query(sql`UPDATE users SET email = 'moved@acme.example' WHERE email = ${moved}`);
    await world.accounts.disableUser((await world.accounts.findForSignIn(disabled))?.id ?? '', 'test');
    for (const path of paths) expect((await world.browser().get(path)).status).toBe(400);
  });

  it.each([
    ['short', 'at least 15 characters'],
    ['passwordpassword1', 'among the first that attackers try'],
    ['mira.delgado.acme.1', 'made of your name'],
  ])(
    'a password that is refused (%s) leaves the old one and the link as they were',
    async (password, sentence) => {
      const email = await person();
      const path = await link(email);
      const response = await reset(path, password);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain(sentence);
      expect(await signIn(email, PASSWORD)).toBe(303);
      expect((await reset(path)).status).toBe(303);
    },
  );

  it('a form of another site changes nothing', async () => {
    const email = await person();
    const path = await link(email);
    const browser = world.browser();
    const form = { ...hiddenFields(await (await browser.get(path)).text()), password: NEW };
    expect((await browser.post('/reset-password', { ...form, csrf_token: 'a.b' })).status).toBe(403);
    expect((await browser.post('/reset-password', form, { 'sec-fetch-site': 'cross-site' })).status).toBe(
      403,
    );
    expect(await signIn(email, PASSWORD)).toBe(303);
  });

  it('the sign-in page leads there', async () => {
    expect(await (await world.browser().get('/sign-in')).text()).toContain('href="/forgot-password"');
  });
});
