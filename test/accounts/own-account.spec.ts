import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database, sql } from '#platform';
import { pathTo } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { linkTo, mailsTo } from '../support/mailbox.js';
import { PASSWORD, World } from '../support/world.js';

const NEW = 'nineteen quiet pelicans';

describe('the account of who is signed in', () => {
  let world: World;
  let people = 0;
  beforeAll(async () => {
    world = await World.start();
  }, 60_000);
  afterAll(() => world.stop());

  const person = async () => {
    const email = `owner-${(people += 1)}@self.example`;
    await world.createPerson(email, 'Mira Delgado', { acme: 'member' });
    return { email, browser: await world.signIn(email) };
  };
  /** Who may look at every page; signed in once. */
  let everywhere: Promise<HttpBrowser> | undefined;
  const owner = () => (everywhere ??= world.signIn('owner@acme.example'));
  const isSignedIn = async (browser: HttpBrowser) => (await browser.get('/')).status === 200;
  const audit = (id: string, act: string) =>
    world.app.get(Database).query(sql`
      SELECT actor = target AS own, factor, address IS NOT NULL AS located, result FROM audit_events
       WHERE target = ${id} AND act = ${act}`);

  /** What was mailed about the account itself; each browser that a test signs in from is a new device. */
  const noticesTo = async (email: string) =>
    (await mailsTo(world, email))
      .map(({ subject }) => subject)
      .filter((subject) => subject !== 'Somebody signed in to your account from a new device');

  it.each([
    ...['/', '/account', '/account/profile', '/account/security', '/account/security/totp'],
    ...[
      '/account/password',
      '/account/address',
      '/account/sessions',
      '/account/applications',
      '/account/data',
    ],
    ...['/organization', '/organization/new', '/organization/people', '/organization/settings'],
    ...['/console/licenses', '/choose-organization', '/device'],
  ])('OWASP ASVS 5.0 7.4.1, 7.4.4: %s offers to sign out, and no browser keeps it', async (path) => {
    const browser = await owner();
    const page = await browser.get(path);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('action="/sign-out"');
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  describe('its password', () => {
    const change = (browser: HttpBrowser, fields: Readonly<Record<string, string>> = {}) =>
      browser.submit('/account/password', '/account/password', {
        current_password: PASSWORD,
        password: NEW,
        ...fields,
      });
    const signIn = async (email: string, password: string) =>
      (await world.browser().submit('/sign-in', '/sign-in', { email, password })).status;

    it('changes for who knows it; this session goes on under a new secret, every other ends, and a notice tells', async () => {
      const { email, browser } = await person();
      const stolen = browser.clone();
      const other = await world.signIn(email);
      world.clock.advance(1000);
      expect(pathTo(await change(browser))).toBe('/account/password/changed');
      expect(await isSignedIn(browser)).toBe(true);
      expect([await isSignedIn(stolen), await isSignedIn(other)]).toEqual([false, false]);
      expect([await signIn(email, PASSWORD), await signIn(email, NEW)]).toEqual([401, 303]);
      expect(await noticesTo(email)).toEqual(['Your password was changed']);
      expect(await audit(world.id(email), 'user.change-password')).toEqual([
        { own: true, factor: 'pwd', located: true, result: 'success' },
      ]);
    });

    it('afterwards a module is signed in to without asking, and what it had before is worth nothing', async () => {
      const { browser } = await person();
      const client = world.client('projects');
      const before = await world.exchange(client, await world.code(client, browser));
      world.clock.advance(1000);
      await change(browser);
      expect((await world.refresh(client, String(before.body['refresh_token']))).status).toBe(400);
      expect((await world.exchange(client, await world.code(client, browser))).status).toBe(200);
    });

    it('a link to reset it that was mailed before is void', async () => {
      const { email, browser } = await person();
      await world.browser().submit('/forgot-password', '/forgot-password', { email });
      const path = (await linkTo(world, email)) ?? '';
      await change(browser);
      expect((await world.browser().get(path)).status).toBe(400);
    });

    it('two changes at once: one wins, and the other is told', async () => {
      for (let round = 0; round < 4; round += 1) {
        const { email, browser } = await person();
        const other = await world.signIn(email);
        const answers = await Promise.all([
          change(browser, { password: `${NEW} one` }),
          change(other, { password: `${NEW} two` }),
        ]);
        expect(Math.max(...answers.map(({ status }) => status))).toBeLessThan(500);
        const won = answers.filter(({ headers }) => headers.get('location') === '/account/password/changed');
        expect(won).toHaveLength(1);
        const right = [await signIn(email, `${NEW} one`), await signIn(email, `${NEW} two`)];
        expect(right.filter((status) => status === 303)).toHaveLength(1);
        expect(await noticesTo(email)).toHaveLength(1);
      }
    });

    it.each([
      [{ current_password: 'wrong' }, 400, 'This is not your password.'],
      [{ current_password: '' }, 400, 'Enter your password.'],
      [{ password: 'short' }, 400, 'at least 15 characters'],
      [{ password: 'self-mira-delgado-1' }, 400, 'made of your name'],
      [{ password: PASSWORD }, 400, 'This is the password that you have.'],
      [{ csrf_token: 'a.b' }, 403, 'open for too long'],
    ])('with %j nothing changes', async (fields, status, sentence) => {
      const { email, browser } = await person();
      const response = await change(browser, fields);
      expect(response.status).toBe(status);
      expect(await response.text()).toContain(sentence);
      expect(await signIn(email, PASSWORD)).toBe(303);
      expect(await noticesTo(email)).toEqual([]);
    });

    it('guesses at it count as failed sign-ins do, and are on record', async () => {
      const { email, browser } = await person();
      const statuses: number[] = [];
      for (let count = 0; count < 6; count += 1)
        statuses.push((await change(browser, { current_password: 'wrong' })).status);
      expect(statuses).toEqual([400, 400, 400, 400, 400, 429]);
      expect(await audit(world.id(email), 'user.confirm-password')).toEqual(
        Array(5).fill({ own: true, factor: 'pwd', located: true, result: 'failure' }),
      );
    });

    it('who is not signed in is sent to sign in', async () => {
      expect(pathTo(await world.browser().get('/account/password'))).toMatch(/^\/sign-in\?return_to=/);
      expect(pathTo(await world.browser().post('/account/password', {}))).toMatch(/^\/sign-in/);
    });
  });

  describe('its address', () => {
    const ask = (browser: HttpBrowser, email: string, current = PASSWORD) =>
      browser.submit('/account/address', '/account/address', { email, current_password: current });
    const confirm = (browser: HttpBrowser, path: string) =>
      browser.submit(path, '/account/address/confirm', {});
    const addressOf = async (id: string) => (await world.accounts.userById(id))?.email;

    it('changes by a link to the new one; the old one is told, with nothing to follow', async () => {
      const { email, browser } = await person();
      const id = world.id(email);
      expect(pathTo(await ask(browser, '  New.Mira@Self.example '))).toBe('/account/address/sent');
      const path = (await linkTo(world, 'new.mira@self.example')) ?? '';
      expect(path).toMatch(/^\/account\/address\/confirm\?token=[\w-]{43}$/);
      expect((await browser.get(path)).status).toBe(200);
      expect(await addressOf(id)).toBe(email);
      expect(pathTo(await confirm(browser, path))).toBe('/account/address/changed');
      expect(await addressOf(id)).toBe('new.mira@self.example');
      await world.signIn('new.mira@self.example');
      const [notice] = await mailsTo(world, email);
      expect(notice?.subject).toBe('The e-mail address of your account was changed');
      expect(notice?.paragraphs.every((paragraph) => typeof paragraph === 'string')).toBe(true);
      expect(JSON.stringify(notice)).not.toMatch(/https?:|new\.mira/);
      expect(await audit(id, 'user.change-address')).toEqual([
        { own: true, factor: 'pwd', located: true, result: 'success' },
      ]);
    });

    it('an address that another account has is answered alike, and its owner is told', async () => {
      const { browser } = await person();
      const visible = async (email: string) => {
        const response = await ask(browser, email);
        return {
          status: response.status,
          location: response.headers.get('location'),
          body: await response.text(),
        };
      };
      expect(await visible('member@acme.example')).toEqual(await visible('free@self.example'));
      const [mail] = await mailsTo(world, 'member@acme.example');
      expect(mail?.subject).toBe('This address has an account already');
      expect(JSON.stringify(mail)).not.toContain('token');
    });

    it('two people who take one address at once, at two nodes: one wins, the other keeps what they had', async () => {
      const node = await World.start({ beside: world });
      for (let round = 0; round < 6; round += 1) {
        const [one, two] = [await person(), await person()];
        const wanted = `wanted-${round}@self.example`;
        const paths: string[] = [];
        for (const { browser } of [one, two]) {
          await ask(browser, wanted);
          paths.push((await linkTo(world, wanted)) ?? '');
        }
        const answers = await Promise.all([
          confirm(one.browser, paths[0] ?? ''),
          confirm(two.browser.at(node.url), paths[1] ?? ''),
        ]);
        expect(answers.map(({ status }) => status).sort()).toEqual([303, 409]);
        const loser = answers[0]?.status === 409 ? one : two;
        expect(await addressOf(world.id(loser.email))).toBe(loser.email);
        expect(await mailsTo(world, loser.email)).toEqual([]);
      }
      await node.stop();
    }, 60_000);

    it('a registration that is faster wins, and the link says so', async () => {
      const { email, browser } = await person();
      await ask(browser, 'contested@self.example');
      const path = (await linkTo(world, 'contested@self.example')) ?? '';
      await world.createPerson('contested@self.example', 'Con Tested', {});
      expect((await confirm(browser, path)).status).toBe(409);
      expect(await addressOf(world.id(email))).toBe(email);
    });

    it('the link of somebody else, a used one and an expired one change nothing', async () => {
      const [one, two] = [await person(), await person()];
      await ask(one.browser, 'mine@self.example');
      const path = (await linkTo(world, 'mine@self.example')) ?? '';
      expect((await two.browser.get(path)).status).toBe(400);
      const foreign = hiddenFields(await (await two.browser.get('/account/address')).text());
      const token = new URL(path, world.url).searchParams.get('token') ?? '';
      expect((await two.browser.post('/account/address/confirm', { ...foreign, token })).status).toBe(400);
      expect(await addressOf(world.id(two.email))).toBe(two.email);

      expect((await confirm(one.browser, path)).status).toBe(303);
      expect((await one.browser.get(path)).status).toBe(400);
      await ask(one.browser, 'late@self.example');
      const late = (await linkTo(world, 'late@self.example')) ?? '';
      world.clock.advance(3_600_001);
      const again = await world.signIn('mine@self.example');
      expect((await again.get(late)).status).toBe(400);
    });

    it('who follows the link without being signed in signs in first, and comes back to it', async () => {
      const { email, browser } = await person();
      await ask(browser, 'back@self.example');
      const path = (await linkTo(world, 'back@self.example')) ?? '';
      const other = world.browser();
      const toSignIn = pathTo(await other.get(path));
      const signedIn = await other.submit(toSignIn, '/sign-in', { email, password: PASSWORD });
      expect(pathTo(signedIn)).toBe(path);
    });

    it('a link to reset the password that went to the old address is void', async () => {
      const { email, browser } = await person();
      await world.browser().submit('/forgot-password', '/forgot-password', { email });
      const reset = (await linkTo(world, email)) ?? '';
      await ask(browser, 'safe@self.example');
      await confirm(browser, (await linkTo(world, 'safe@self.example')) ?? '');
      expect((await world.browser().get(reset)).status).toBe(400);
    });

    it('one person gets three mails an hour out, to whichever addresses', async () => {
      const { browser } = await person();
      for (let count = 1; count <= 4; count += 1) await ask(browser, `many-${count}@self.example`);
      expect(await mailsTo(world, 'many-3@self.example')).toHaveLength(1);
      expect(await mailsTo(world, 'many-4@self.example')).toHaveLength(0);
    });

    it('however often others name a mailbox, its owner gets a mail there', async () => {
      const email = 'wanted-by-all@self.example';
      for (let others = 0; others < 2; others += 1) {
        const { browser } = await person();
        for (let time = 0; time < 4; time += 1) await ask(browser, email);
      }
      expect(await mailsTo(world, email)).toHaveLength(6);
      const { email: before, browser } = await person();
      await ask(browser, email);
      expect(await mailsTo(world, email)).toHaveLength(7);
      await confirm(browser, (await linkTo(world, email)) ?? '');
      expect(await addressOf(world.id(before))).toBe(email);
    });

    it('where no mail leaves, the pages say so, and no mail is queued', async () => {
      const node = await World.start({
        beside: world,
        env: { NODE_ENV: 'production', CORE_AUTH_URL: 'https://auth.example' },
      });
      const { email } = await person();
      const browser = await node.signIn(email);
      const wanted = 'never-sent@self.example';
      const form = hiddenFields(await (await browser.get('/account/sessions')).text());
      const fields = { ...form, email: wanted, current_password: PASSWORD };
      const answers = [
        await browser.get('/account/address'),
        await browser.post('/account/address', fields),
        await browser.get('/account/address/sent'),
      ];
      for (const answer of answers) {
        const html = await answer.text();
        expect([answer.status, html]).toEqual([403, expect.stringContaining('CORE_AUTH_SMTP_URL')]);
        expect(html).not.toContain('on its way');
      }
      expect(await mailsTo(world, wanted)).toEqual([]);
      await node.stop();
    });

    it.each([
      ['no address', PASSWORD, 400, 'is not an e-mail address'],
      ['mirа@self.example', PASSWORD, 400, 'look alike'],
      ['other@self.example', 'wrong', 400, 'This is not your password.'],
      ['other@self.example', '', 400, 'Enter your password.'],
    ])('%j with the password %j mails nothing', async (email, current, status, sentence) => {
      const { browser } = await person();
      const response = await ask(browser, email, current);
      expect(response.status).toBe(status);
      const html = await response.text();
      expect(html).toContain(sentence);
      expect(html).toContain(`value="${email}"`);
      expect(html).not.toContain('value="wrong"');
      expect(await mailsTo(world, 'other@self.example')).toEqual([]);
    });

    it('a form of another site does nothing', async () => {
      const { browser } = await person();
      const form = hiddenFields(await (await browser.get('/account/address')).text());
      const fields = { ...form, email: 'cross@self.example', current_password: PASSWORD };
      expect((await browser.post('/account/address', { ...fields, csrf_token: 'a.b' })).status).toBe(403);
      const foreign = { 'sec-fetch-site': 'cross-site' };
      expect((await browser.post('/account/address', fields, foreign)).status).toBe(403);
      expect(await mailsTo(world, 'cross@self.example')).toEqual([]);
    });
  });
});
