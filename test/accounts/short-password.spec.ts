import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Clock, Configuration, Database, MailSealer, sql } from '#platform';
import { Factors, LostFactorsRepository, PasswordRepository } from '#sessions';
import { TotpRepository } from '../../libs/sessions/factors/totp.repository.js';
import { pathTo } from '../support/answers.js';
import { MINUTE } from '../support/deployment.js';
import { addPasskey, formOf, optionsAt, present } from '../support/factors.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { linkTo } from '../support/mailbox.js';
import type { SoftAuthenticator } from '../support/soft-authenticator.js';
import { PASSWORD, type World } from '../support/world.js';
import { AccountApiWorld } from './account-api-world.js';

jest.setTimeout(60_000);

/** Enough beside a second factor, and for it alone. */
const SHORT = 'quiet gnus';
const LONG = 'nineteen quiet pelicans';
const SECURITY = '/account/security';

describe('a password beside a second factor, and none at all', () => {
  let api: AccountApiWorld;
  let world: World;
  beforeAll(async () => {
    api = await AccountApiWorld.start();
    world = api.world;
  });
  afterAll(() => api.stop());

  const query = <Row>(statement: ReturnType<typeof sql>) => world.app.get(Database).query<Row>(statement);
  const change = (browser: HttpBrowser, current: string, password: string) =>
    browser.submit('/account/password', '/account/password', { current_password: current, password });
  const removeApp = async (browser: HttpBrowser) =>
    browser.post(`${SECURITY}/totp/remove`, await formOf(browser, SECURITY));
  const signIn = async (email: string, password: string) =>
    (await world.browser().submit('/sign-in', '/sign-in', { email, password })).status;
  const standing = async (id: string) => {
    const [row] = await query<{ short: boolean | null; factors: number }>(sql`
      SELECT password_short AS short, second_factors AS factors FROM users WHERE id = ${id}`);
    return row;
  };

  describe('one of fewer than 15 characters', () => {
    it('keeps the last factor, by page and API, until a longer one is chosen', async () => {
      const { browser } = await api.protectedPerson();
      expect(pathTo(await change(browser, PASSWORD, SHORT))).toBe('/account/password/changed');
      const refused = await removeApp(browser);
      expect(refused.status).toBe(409);
      expect(await refused.text()).toContain('Your password has fewer than 15 characters');
      const { token } = await api.tokens(browser);
      expect(await api.call('DELETE', '/factors/authenticator-app', token)).toMatchObject({
        status: 409,
        body: { code: 'password_too_short', detail: expect.stringContaining('Choose a longer password') },
      });
      expect(pathTo(await change(browser, SHORT, LONG))).toBe('/account/password/changed');
      expect(pathTo(await removeApp(browser))).toBe(`${SECURITY}?done=totp-removed`);
    });

    it('keeps a passkey that is the last factor, but neither of two', async () => {
      const { browser } = await api.protectedPerson();
      await addPasskey(browser, world.url);
      await change(browser, PASSWORD, SHORT);
      expect(pathTo(await removeApp(browser))).toBe(`${SECURITY}?done=totp-removed`);
      const html = await (await browser.get(SECURITY)).text();
      const action = /action="([^"]+\/remove)"/.exec(html)?.[1] ?? '';
      const refused = await browser.post(action, await formOf(browser, SECURITY));
      expect([refused.status, await refused.text()]).toEqual([
        409,
        expect.stringContaining('Your password has fewer than 15 characters'),
      ]);
    });

    it('does so too when it was chosen by a mailed link', async () => {
      const { email, browser, app } = await api.protectedPerson();
      const other = world.browser();
      await other.submit('/forgot-password', '/forgot-password', { email });
      const path = (await linkTo(world, email)) ?? '';
      expect((await other.submit(path, '/reset-password', { password: SHORT })).status).toBe(303);
      await browser.submit('/sign-in', '/sign-in', { email, password: SHORT });
      await present(browser, { method: 'totp', code: app.freshCode() });
      expect((await removeApp(browser)).status).toBe(409);
    });

    it.each([
      ['long', PASSWORD, 303],
      ['short', SHORT, 409],
    ])(
      'is assumed where nobody knows the length, until a %s one is given again',
      async (_, password, status) => {
        const { id, email, browser, app } = await api.protectedPerson();
        if (password !== PASSWORD) await change(browser, PASSWORD, password);
        await query(sql`UPDATE users SET password_short = NULL WHERE id = ${id}`);
        const refused = await removeApp(browser);
        expect([refused.status, await refused.text()]).toEqual([
          409,
          expect.stringContaining('Your password may have fewer than 15 characters'),
        ]);
        const { token } = await api.tokens(browser);
        expect(await api.call('DELETE', '/factors/authenticator-app', token)).toMatchObject({
          status: 409,
          body: { detail: expect.stringContaining('may have fewer than 15 characters') },
        });
        expect((await browser.submit('/sign-in', '/sign-in', { email, password: 'wrong' })).status).toBe(401);
        expect(await standing(id)).toEqual({ short: null, factors: 1 });
        await browser.submit('/sign-in', '/sign-in', { email, password });
        await present(browser, { method: 'totp', code: app.freshCode() });
        expect(await standing(id)).toEqual({ short: status === 409, factors: 1 });
        expect((await removeApp(browser)).status).toBe(status);
      },
    );

    it('is not chosen at the moment at which the last factor goes', async () => {
      const { id, email } = await api.person();
      const by = { id, address: null, factor: 'pwd' };
      const notice = () => world.app.get(MailSealer).seal({ to: email, subject: 'A notice', paragraphs: [] });
      const seen = new Set<string>();
      for (let round = 0; round < 30; round += 1) {
        await query(sql`
          WITH app AS (INSERT INTO totp_factors (user_id, secret_envelope, last_step, created_at)
                       VALUES (${id}, 'none', 0, now()) ON CONFLICT DO NOTHING)
          UPDATE users SET second_factors = 1, password_short = false, password_hash = 'before' WHERE id = ${id}`);
        const to = { hash: 'after', standsAlone: false };
        const passwords = world.app.get(PasswordRepository);
        const outcomes = await Promise.all([
          passwords.changeByApplication({ sessionId: undefined, from: 'before', to, by, notice: notice() }),
          world.app.get(Factors).removeTotp({ userId: id, email }, by),
        ]);
        seen.add(JSON.stringify(outcomes));
        expect([round, await standing(id)]).not.toEqual([round, { short: true, factors: 0 }]);
      }
      for (const outcome of seen) expect(outcome).toMatch(/^\[(true,.*short-password|false,.*removed)/);
    });
  });

  it('is not kept by who chooses it, with another app, at the moment at which an operator removes all factors', async () => {
    const { id, email } = await api.person();
    const owner = { userId: id, email };
    const by = { id, address: null, factor: 'pwd' };
    const { app } = world;
    const configuration = app.get(Configuration);
    const mails = app.get(MailSealer);
    const lost = new LostFactorsRepository(app.get(Database), app.get(Clock), mails, configuration);
    const to = { hash: 'after', standsAlone: false };
    for (let round = 0; round < 30; round += 1) {
      await query(sql`
        WITH app AS (INSERT INTO totp_factors (user_id, secret_envelope, last_step, created_at)
                     VALUES (${id}, 'none', 0, now()) ON CONFLICT DO NOTHING)
        UPDATE users SET second_factors = 1, password_short = false, password_hash = 'before' WHERE id = ${id}`);
      const notice = mails.seal({ to: email, subject: 'A notice', paragraphs: [] });
      await Promise.all([
        app
          .get(PasswordRepository)
          .changeByApplication({ sessionId: undefined, from: 'before', to, by, notice }),
        lost.remove(owner, by),
        app.get(TotpRepository).put(owner, Buffer.alloc(20, round), 1, by),
      ]);
      const [kept] = await query<Record<string, unknown>>(sql`
        SELECT second_factors = (SELECT count(*) FROM totp_factors WHERE user_id = u.id) AS counted,
               password_hash = 'after' AND second_factors = 0 AS bare
          FROM users u WHERE id = ${id}`);
      expect([round, kept?.['counted'], kept?.['bare'] ?? false]).toEqual([round, true, false]);
    }
  });

  describe('who has none, since they sign in with a passkey', () => {
    const withoutPassword = async () => {
      const { id, email, browser } = await api.person();
      const { authenticator } = await addPasskey(browser, world.url);
      await query(sql`UPDATE users SET password_hash = NULL WHERE id = ${id}`);
      const other = world.browser();
      await signInByPasskey(other, authenticator);
      return { id, email, browser: other, authenticator };
    };
    const signInByPasskey = async (browser: HttpBrowser, authenticator: SoftAuthenticator) => {
      const options = await optionsAt(browser, '/sign-in', '/sign-in/passkey');
      const credential = JSON.stringify(authenticator.get(options));
      await browser.post('/sign-in/passkey', { ...(await formOf(browser, '/sign-in')), credential });
    };

    it('sets one without being asked for another, and signs in with it and the passkey from then on', async () => {
      const { email, browser } = await withoutPassword();
      const page = await (await browser.get('/account/password')).text();
      expect(page).toContain('Set a password');
      expect(page).not.toContain('current_password');
      const answer = await browser.submit('/account/password', '/account/password', { password: LONG });
      expect(pathTo(answer)).toBe('/account/password/changed');
      expect(await signIn(email, LONG)).toBe(303);
      expect(await (await browser.get('/account/password')).text()).toContain('current_password');
    });

    it('changes the address without one', async () => {
      const { email, browser } = await withoutPassword();
      expect(await (await browser.get('/account/address')).text()).not.toContain('current_password');
      const next = `new-${email}`;
      const answer = await browser.submit('/account/address', '/account/address', { email: next });
      expect(pathTo(answer)).toBe('/account/address/sent');
      const path = (await linkTo(world, next)) ?? '';
      expect(pathTo(await browser.submit(path, '/account/address/confirm', {}))).toBe(
        '/account/address/changed',
      );
    });

    it('does neither without the passkey of a short while ago', async () => {
      const { id, browser, authenticator } = await withoutPassword();
      const [password, address] = [
        { ...(await formOf(browser, '/account/password')), password: LONG },
        { ...(await formOf(browser, '/account/address')), email: 'thief@evil.example' },
      ];
      world.clock.advance(15 * MINUTE);
      expect(pathTo(await browser.post('/account/password', password))).toMatch(/^\/(sign-in|step-up)/);
      expect(pathTo(await browser.post('/account/address', address))).toMatch(/^\/(sign-in|step-up)/);
      expect(await query(sql`SELECT password_hash FROM users WHERE id = ${id}`)).toEqual([
        { password_hash: null },
      ]);
      await signInByPasskey(browser, authenticator);
      expect((await browser.get('/account/password')).status).toBe(200);
    });

    it('of two who set a first one at once, one does', async () => {
      for (let round = 0; round < 4; round += 1) {
        const { browser, authenticator } = await withoutPassword();
        const other = world.browser();
        await signInByPasskey(other, authenticator);
        const answers = await Promise.all(
          [browser, other].map((each, index) =>
            each.submit('/account/password', '/account/password', { password: `${LONG} ${index}` }),
          ),
        );
        const set = answers.filter(({ headers }) => headers.get('location') === '/account/password/changed');
        expect(set).toHaveLength(1);
      }
    });
  });
});
