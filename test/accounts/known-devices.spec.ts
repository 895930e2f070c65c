import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PasswordHasher } from '#accounts';
import { Database, sql } from '#platform';
import { KnownDevices } from '#sessions';
import { Sweeper } from '../../apps/server/sweeper.js';
import { pathTo } from '../support/answers.js';
import { setUpApp } from '../support/factors.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { endPassword } from '../support/passwords.js';
import { PASSWORD, World } from '../support/world.js';
import { audited, FROM_ANYWHERE, knownBrowser, mailsTo, tryFrom } from './lockout-world.js';

jest.setTimeout(60_000);

const COOKIE = 'core_auth_devices';
const NOTICE = 'Somebody signed in to your account from a new device';
const DAY = 86_400_000;

describe('known devices', () => {
  let world: World;
  let people = 0;

  beforeAll(async () => {
    world = await World.start({ env: FROM_ANYWHERE });
  });
  afterAll(() => world.stop());

  const somebody = async () => {
    const email = `person-${(people += 1)}@acme.example`;
    await world.createPerson(email, 'Pat Person', { acme: 'member' });
    return email;
  };
  const secretsOf = (browser: HttpBrowser) => (browser.cookie(COOKIE) ?? '').split('.').filter(Boolean);
  const devices = (email: string) =>
    world.app.get(Database).query<Record<string, unknown>>(sql`
      SELECT first_seen_at, last_seen_at, remembered_until
        FROM known_devices WHERE user_id = ${world.id(email)} ORDER BY first_seen_at`);
  const signIn = (email: string, browser: HttpBrowser, from = '203.0.113.1', userAgent = 'Test/1.0') =>
    tryFrom(world, email, { browser, from, userAgent, password: PASSWORD });
  const setCookie = (response: Response) =>
    response.headers.getSetCookie().find((line) => line.includes(COOKIE)) ?? '';

  describe('the cookie', () => {
    const attributes = (line: string) =>
      line
        .replace(/=[\w-]{43};/, '=secret;')
        .split('; ')
        .sort();

    it('lasts half a year, is HttpOnly, Lax, for this host alone, and holds a secret of 256 bits', async () => {
      const response = await signIn(await somebody(), world.browser());
      expect(attributes(setCookie(response))).toEqual(
        [`${COOKIE}=secret`, 'HttpOnly', 'Max-Age=15552000', 'Path=/', 'SameSite=Lax'].sort(),
      );
    });

    it('RFC 6265bis §4.1.3.2: by https is Secure and carries the __Host- prefix', async () => {
      const node = await World.start({ beside: world, env: { CORE_AUTH_URL: 'https://auth.example' } });
      const response = await tryFrom(node, await somebody(), { password: PASSWORD });
      await node.stop();
      expect(attributes(setCookie(response))).toEqual(
        expect.arrayContaining([`__Host-${COOKIE}=secret`, 'Secure']),
      );
    });

    it('is given to nobody whose sign-in fails, and signs nobody in', async () => {
      const email = await somebody();
      expect(setCookie(await tryFrom(world, email))).toBe('');
      const browser = await knownBrowser(world, email);
      const other = world.browser();
      other.setCookie(COOKIE, browser.cookie(COOKIE) ?? '');
      expect((await other.get('/')).status).toBe(303);
    });

    it('holds a secret for each of five accounts; the one that was longest unused is forgotten', async () => {
      const browser = world.browser();
      const secrets: string[] = [];
      for (let account = 0; account < 6; account += 1) {
        await signIn(await somebody(), browser);
        secrets.unshift(secretsOf(browser)[0] ?? '');
      }
      expect(new Set(secrets).size).toBe(6);
      expect(secretsOf(browser)).toEqual(secrets.slice(0, 5));
    });

    it.each([
      ['nothing', ''],
      ['nonsense', 'x'],
      ['a NUL and markup', '%00<script>'],
      ['a thousand secrets', Array<string>(90).fill('a'.repeat(43)).join('.')],
    ])('with %s in it, is as none', async (_, value) => {
      const email = await somebody();
      const browser = world.browser();
      browser.setCookie(COOKIE, value);
      expect((await signIn(email, browser)).status).toBe(303);
      expect(secretsOf(browser).length).toBeLessThanOrEqual(5);
      expect(await devices(email)).toHaveLength(1);
    });
  });

  describe('a sign-in', () => {
    it('notes the browser and when, and nothing that it says of itself; the next one there is the same device', async () => {
      const email = await somebody();
      const browser = world.browser();
      const first = world.clock.now();
      await signIn(email, browser, '203.0.113.1', 'Browser/1');
      const [secret] = secretsOf(browser);
      world.clock.advance(DAY);
      await signIn(email, browser, '203.0.113.2', `Browser/2 ${'x'.repeat(300)}`);
      expect(secretsOf(browser)).toEqual([secret]);
      const [device, ...others] = await devices(email);
      expect(others).toEqual([]);
      expect(device).toEqual({
        first_seen_at: first,
        last_seen_at: world.clock.now(),
        remembered_until: null,
      });
      const [{ stored } = { stored: undefined }] = await world.app
        .get(Database)
        .query<{ stored: Buffer }>(
          sql`SELECT secret_sha256 AS stored FROM known_devices WHERE user_id = ${world.id(email)}`,
        );
      expect(stored?.toString('base64url')).not.toBe(secret);
    });

    it('by another account in the same browser is another device of that account alone', async () => {
      const [one, other] = [await somebody(), await somebody()];
      const browser = await knownBrowser(world, one);
      await signIn(other, browser);
      expect(secretsOf(browser)).toHaveLength(2);
      expect([await devices(one), await devices(other)].map(({ length }) => length)).toEqual([1, 1]);
    });

    it('at the first device is told to nobody, at a second one to the owner, and at a known one to nobody', async () => {
      const email = await somebody();
      const browser = await knownBrowser(world, email);
      expect(await mailsTo(world, email)).toEqual([]);
      await signIn(email, world.browser(), '198.51.100.77', 'Strange/1.0 <b>');
      const [mail, ...more] = await mailsTo(world, email);
      expect(more).toEqual([]);
      expect(mail?.subject).toBe(NOTICE);
      const text = mail?.paragraphs.map((part) => (typeof part === 'string' ? part : part.url)).join('\n');
      for (const said of ['Pat Person', '198.51.100.77', 'Unknown device', 'UTC'])
        expect(text).toContain(said);
      await signIn(email, browser);
      expect(await mailsTo(world, email)).toHaveLength(1);
      expect(
        (
          await world.app.get(Database).query<{ act: string }>(sql`
        SELECT act FROM audit_events WHERE act = 'device.add' AND actor = ${world.id(email)}`)
        ).length,
      ).toBe(2);
    });

    it('that does not come about leaves neither device nor notice: both are one statement', async () => {
      const email = await somebody();
      await knownBrowser(world, email);
      const database = world.app.get(Database);
      await database.query(sql`
        CREATE FUNCTION refuse_mail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END'`);
      await database.query(sql`
        CREATE TRIGGER refuse_mail BEFORE INSERT ON mails FOR EACH ROW EXECUTE FUNCTION refuse_mail()`);
      const refused = await signIn(email, world.browser());
      await database.query(sql`DROP TRIGGER refuse_mail ON mails`);
      expect(refused.status).toBe(500);
      expect(await devices(email)).toHaveLength(1);
      expect(await mailsTo(world, email)).toEqual([]);
    });

    it('at a 21st device forgets the one that was longest unused', async () => {
      const email = await somebody();
      const browsers = [];
      for (let device = 0; device < 21; device += 1) {
        world.clock.advance(1000);
        if (device === 10) await signIn(email, browsers[0] ?? world.browser());
        browsers.push(await knownBrowser(world, email));
      }
      expect(await devices(email)).toHaveLength(20);
      const secrets = browsers.slice(0, 3).map((browser) => secretsOf(browser)[0]);
      for (const browser of browsers.slice(0, 3).toReversed()) await signIn(email, browser);
      const kept = browsers.slice(0, 3).map((browser, index) => secretsOf(browser)[0] === secrets[index]);
      expect(kept).toEqual([true, false, true]);
      expect(await devices(email)).toHaveLength(20);
    });
  });

  it('a new password makes every device unknown, and its first sign-in tells nobody', async () => {
    const [email, other] = [await somebody(), await somebody()];
    const browser = await knownBrowser(world, email);
    await knownBrowser(world, other);
    const hash = await world.app.get(PasswordHasher).hash(PASSWORD);
    await endPassword(world, world.id(email), hash);
    expect([await devices(email), await devices(other)].map(({ length }) => length)).toEqual([0, 1]);
    for (let guess = 0; guess < 5; guess += 1) await tryFrom(world, email);
    expect((await signIn(email, browser)).status).toBe(429);
    world.clock.advance(30_001);
    expect((await signIn(email, browser)).status).toBe(303);
    expect((await mailsTo(world, email)).filter(({ subject }) => subject === NOTICE)).toEqual([]);
  });

  it('half a year without a sign-in makes a device unknown', async () => {
    const [email, used] = [await somebody(), await somebody()];
    await knownBrowser(world, email);
    const browser = await knownBrowser(world, used);
    world.clock.advance(179 * DAY);
    await signIn(used, browser);
    await world.app.get(Sweeper).sweep();
    expect(await devices(email)).toHaveLength(1);
    world.clock.advance(2 * DAY);
    await world.app.get(Sweeper).sweep();
    expect([await devices(email), await devices(used)].map(({ length }) => length)).toEqual([0, 1]);
  });

  describe('that remember a second factor', () => {
    const by = (email: string) => ({ id: world.id(email), address: '203.0.113.1', factor: 'pwd otp' });

    it('do so for 30 days, for this account in this browser alone', async () => {
      const [email, other] = [await somebody(), await somebody()];
      const browser = await knownBrowser(world, email);
      await signIn(other, browser);
      const elsewhere = await knownBrowser(world, email);
      const known = world.app.get(KnownDevices);
      const [secret = ''] = secretsOf(browser).slice(-1);
      expect(await known.rememberFactor(world.id(email), secret, by(email))).toBe(true);
      expect(await known.rememberFactor(world.id(other), secret, by(other))).toBe(false);
      const remembers = async (who: string, at: HttpBrowser) =>
        known.remembersFactor(world.id(who), secretsOf(at));
      expect(await remembers(email, browser)).toBe(true);
      expect(await remembers(other, browser)).toBe(false);
      expect(await remembers(email, elsewhere)).toBe(false);
      world.clock.advance(30 * DAY - 1);
      await signIn(email, browser);
      expect(await remembers(email, browser)).toBe(true);
      world.clock.advance(1);
      expect(await remembers(email, browser)).toBe(false);
      const [device] = await world.app.get(Database).query<{ id: string }>(sql`
        SELECT id::text FROM known_devices WHERE user_id = ${world.id(email)} AND remembered_until IS NOT NULL`);
      expect(await audited(world, 'device.remember-factor', device?.id ?? '')).toMatchObject([
        { actor: world.id(email), address: '203.0.113.1', factor: 'pwd otp', result: 'success' },
      ]);
    });

    it('spare the second step where it was asked for, until a factor is removed', async () => {
      const email = await somebody();
      const browser = await knownBrowser(world, email);
      const { app } = await setUpApp(world, browser);
      const secondStep = async (more: Record<string, string> = {}) => {
        expect(pathTo(await signIn(email, browser))).toBe('/sign-in/second-factor?return_to=%2F');
        const form = hiddenFields(await (await browser.get('/sign-in/second-factor')).text());
        const answer = await browser.post('/sign-in/second-factor', {
          ...form,
          method: 'totp',
          code: app.freshCode(),
          ...more,
        });
        expect(answer.status).toBe(303);
      };
      await secondStep();
      await secondStep({ remember: 'on' });
      expect(pathTo(await signIn(email, browser))).toBe('/');
      // in this browser alone
      expect(pathTo(await signIn(email, world.browser()))).toBe('/sign-in/second-factor?return_to=%2F');

      const security = await browser.get('/step-up?return_to=%2Faccount%2Fsecurity');
      expect(pathTo(security)).toBe('/sign-in/second-factor?return_to=%2Faccount%2Fsecurity');
      const form = hiddenFields(await (await browser.get(pathTo(security))).text());
      await browser.post('/sign-in/second-factor', { ...form, method: 'totp', code: app.freshCode() });
      const remove = hiddenFields(await (await browser.get('/account/security')).text());
      expect((await browser.post('/account/security/totp/remove', remove)).status).toBe(303);
      expect(await world.app.get(KnownDevices).remembersFactor(world.id(email), secretsOf(browser))).toBe(
        false,
      );
    });
  });
});
