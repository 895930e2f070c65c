import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PasswordHasher } from '#accounts';
import { Database, sql } from '#platform';
import { pathTo } from '../support/answers.js';
import { linkTo, mailsTo } from '../support/mailbox.js';
import { PASSWORD, type World } from '../support/world.js';
import { AccountApiWorld, EVERYTHING } from './account-api-world.js';

const NEW = 'nineteen quiet pelicans';

describe('password and address by the API of one’s own account', () => {
  let api: AccountApiWorld;
  let world: World;
  beforeAll(async () => {
    api = await AccountApiWorld.start();
    world = api.world;
  });
  afterAll(() => api.stop());

  const changePassword = (token: string, body: object = {}) =>
    api.call('PUT', '/password', token, { current_password: PASSWORD, password: NEW, ...body });
  const changeAddress = (token: string, email: string, password = PASSWORD) =>
    api.call('POST', '/address', token, { email, current_password: password });
  const signIn = async (email: string, password: string) =>
    (await world.browser().submit('/sign-in', '/sign-in', { email, password })).status;
  const noticesTo = async (email: string) =>
    (await mailsTo(world, email))
      .map(({ subject }) => subject)
      .filter((subject) => !subject.includes('new device'));
  const audit = (id: string, act: string) =>
    world.app.get(Database).query(sql`
      SELECT actor = target AS own, factor, client_id AS client, address IS NOT NULL AS located, result FROM audit_events
       WHERE target = ${id} AND act = ${act} ORDER BY id`);

  describe('the password', () => {
    it('changes for who knows it: the session of the token goes on, every other and every token ends', async () => {
      const { email, id, browser, token, refresh } = await api.person();
      const other = await world.signIn(email);
      world.clock.advance(1000);
      expect((await changePassword(token)).status).toBe(204);
      expect((await browser.get('/account')).status).toBe(200);
      expect(pathTo(await other.get('/account'))).toMatch(/^\/sign-in/);
      expect((await api.call('GET', '', token)).status).toBe(401);
      expect((await world.refresh(api.assistant, refresh)).status).toBe(400);
      // nobody is asked for anything when the application goes through authorization again
      expect((await api.call('GET', '', (await api.tokens(browser)).token)).status).toBe(200);
      expect([await signIn(email, PASSWORD), await signIn(email, NEW)]).toEqual([401, 303]);
      expect(await noticesTo(email)).toEqual(['Your password was changed']);
      expect(await audit(id, 'user.change-password')).toEqual([
        { own: true, factor: 'pwd', client: 'assistant', located: true, result: 'success' },
      ]);
    });

    it('with offline access, which hangs on no session, every session ends', async () => {
      const { browser } = await api.person();
      const { token } = await api.tokens(browser, `${EVERYTHING} offline_access`);
      world.clock.advance(1000);
      expect((await changePassword(token)).status).toBe(204);
      expect(pathTo(await browser.get('/account'))).toMatch(/^\/sign-in/);
      expect((await api.call('GET', '', token)).status).toBe(401);
    });

    it.each([
      [{ current_password: 'wrong' }, 'wrong_password', 'This is not your password.'],
      [{ current_password: '' }, 'wrong_password', 'This is not your password.'],
      [{ password: 'short' }, 'password_refused', 'at least 15 characters'],
      [{ password: 'self-mira-delgado-1' }, 'password_refused', 'made of your name'],
      [{ password: PASSWORD }, 'password_refused', 'This is the password that you have.'],
      [{ password: PASSWORD, current_password: 'wrong' }, 'wrong_password', 'This is not your password.'],
      [{ repeated: NEW }, 'invalid_request', 'There is no repeated here.'],
      [{ password: 7 }, 'invalid_request', 'password must be a text.'],
    ])('with %j nothing changes, and the answer says why', async (body, code, sentence) => {
      const { email, browser, token } = await api.person();
      const answer = await changePassword(token, body);
      expect(answer).toMatchObject({
        status: 400,
        body: { code, detail: expect.stringContaining(sentence) },
      });
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect((await browser.get('/account')).status).toBe(200);
      expect(await signIn(email, PASSWORD)).toBe(303);
      expect(await noticesTo(email)).toEqual([]);
    });

    it('guesses at it count together with those of the page, delay nobody else, and are on record', async () => {
      const { email, id, browser, token } = await api.person();
      const second = await api.tokens(browser);
      const statuses: number[] = [];
      for (const by of [token, second.token, token])
        statuses.push((await changePassword(by, { current_password: 'wrong' })).status);
      for (let count = 0; count < 2; count += 1) {
        const fields = { current_password: 'wrong', password: NEW };
        statuses.push((await browser.submit('/account/password', '/account/password', fields)).status);
      }
      expect(statuses).toEqual([400, 400, 400, 400, 400]);
      const delayed = await changePassword(token);
      expect(delayed).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } });
      expect(Number(delayed.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await changeAddress(second.token, 'mira@new.example')).status).toBe(429);
      expect(await signIn(email, PASSWORD)).toBe(303);
      const wrong = { own: true, factor: 'pwd', located: true, result: 'failure' };
      const [byApi, onPage] = [
        { ...wrong, client: 'assistant' },
        { ...wrong, client: null },
      ];
      expect(await audit(id, 'user.confirm-password')).toEqual([byApi, byApi, byApi, onPage, onPage]);
    });

    it('two changes at once: one is taken, and the other is told', async () => {
      for (let round = 0; round < 4; round += 1) {
        const { email, token } = await api.person();
        const other = await api.tokens(await world.signIn(email));
        world.clock.advance(1000);
        const statuses = await Promise.all(
          [token, other.token].map(
            async (by, index) => (await changePassword(by, { password: `${NEW} ${index}` })).status,
          ),
        );
        expect(statuses.filter((status) => status === 204)).toHaveLength(1);
        expect(Math.max(...statuses)).toBeLessThan(500);
        const right = [await signIn(email, `${NEW} 0`), await signIn(email, `${NEW} 1`)];
        expect(right.map((status) => status === 303)).toEqual(statuses.map((status) => status === 204));
        expect(await noticesTo(email)).toHaveLength(1);
      }
    });

    it('what the queue of hashes cannot take is 503 with Retry-After, and counts as no guess', async () => {
      const { id, token } = await api.person();
      const hasher = world.app.get(PasswordHasher);
      const before = { ...hasher };
      Object.assign(hasher, PasswordHasher.limitedTo({ concurrency: 1, capacity: 0 }));
      try {
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => changePassword(token, { current_password: 'wrong' })),
        );
        const refused = answers.filter(({ status }) => status === 503);
        expect(refused.length).toBeGreaterThan(0);
        for (const { headers, body } of refused) {
          expect(headers.get('retry-after')).toBe('2');
          expect(body).toMatchObject({ status: 503 });
        }
        const [counted] = await world.app.get(Database).query<{ failures: number }>(sql`
          SELECT failures FROM sign_in_failures WHERE user_id = ${id}`);
        expect(counted?.failures ?? 0).toBe(answers.filter(({ status }) => status === 400).length);
      } finally {
        Object.assign(hasher, before);
      }
    });
  });

  describe('the address', () => {
    it('is another one once its link is followed in a browser of the person, and the old one is told', async () => {
      const { email, id, browser, token } = await api.person();
      const wanted = `new-${email}`;
      expect(await changeAddress(token, ` ${wanted.toUpperCase()} `)).toMatchObject({
        status: 202,
        body: {},
      });
      expect((await api.call('GET', '', token)).body).toMatchObject({ email });
      const link = (await linkTo(world, wanted)) ?? '';
      expect(pathTo(await browser.submit(link, '/account/address/confirm', {}))).toBe(
        '/account/address/changed',
      );
      expect((await api.call('GET', '', token)).body).toMatchObject({
        id,
        email: wanted,
        email_verified: true,
      });
      expect(await noticesTo(email)).toEqual([expect.stringContaining('address')]);
    });

    it('of another account is answered the same, and nobody but its owner is told', async () => {
      const { token } = await api.person();
      const other = await api.person();
      expect((await changeAddress(token, other.email)).status).toBe(202);
      expect(await noticesTo(other.email)).toHaveLength(1);
      expect((await linkTo(world, other.email)) ?? '').not.toContain('/account/address/confirm');
    });

    it.each([
      ['no address', 'nonsense', PASSWORD, 'address_refused'],
      ['control characters', 'mira@new.example\r\nBcc: all@new.example', PASSWORD, 'address_refused'],
      ['half a character', 'mira\ud800@new.example', PASSWORD, 'address_refused'],
      ['the wrong password', 'mira@new.example', 'wrong', 'wrong_password'],
    ])('with %s no mail is sent, and the answer says why', async (_, email, password, code) => {
      const { token } = await api.person();
      expect(await changeAddress(token, email, password)).toMatchObject({ status: 400, body: { code } });
      expect(await mailsTo(world, email)).toEqual([]);
    });

    it('the address that it is already is refused', async () => {
      const { email, token } = await api.person();
      expect(await changeAddress(token, email.toUpperCase())).toMatchObject({
        status: 400,
        body: { code: 'address_refused', detail: 'This is your address already.' },
      });
    });
  });
});
