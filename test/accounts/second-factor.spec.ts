import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { KeyEncryption, MailSealer, type Mail } from '#platform';
import { FactorRepository, LockoutRepository, totpEnvelopeContext } from '#sessions';
import { destinationOf, pathTo } from '../support/answers.js';
import { Deployment, MINUTE } from '../support/deployment.js';
import {
  formOf,
  present,
  recoveryCodesOn,
  secretOn,
  setUpApp,
  withPassword,
  type Enrolled,
} from '../support/factors.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { endPassword } from '../support/passwords.js';
import { claimsOf, PASSWORD, type World } from '../support/world.js';

const SECURITY = '/account/security';

describe('second factors', () => {
  let deployment: Deployment;
  let world: World;
  let people = 0;

  beforeAll(async () => {
    deployment = await Deployment.start({ env: { CORE_AUTH_SIGN_IN_FAILURES: '40' } });
    world = deployment.node(0);
  });
  afterAll(() => deployment.stop());

  /** Somebody with an authenticator app, and the browser in which they set it up. */
  const person = async (): Promise<Enrolled & { email: string; id: string; browser: HttpBrowser }> => {
    const email = `person-${(people += 1)}@acme.example`;
    const id = await world.createPerson(email, `Person ${people}`, { acme: 'member' });
    const browser = await world.signIn(email);
    return { ...(await setUpApp(world, browser)), email, id, browser };
  };
  const isSignedIn = async (browser: HttpBrowser) => (await browser.get('/account')).status === 200;
  const mailsTo = async (email: string): Promise<Mail[]> => {
    const rows = await deployment.rows<{ id: string; envelope: string }>(
      'SELECT id, mail_envelope AS envelope FROM mails ORDER BY created_at, id',
    );
    return rows.map((row) => world.app.get(MailSealer).open(row)).filter(({ to }) => to === email);
  };
  const audit = (id: string) =>
    deployment.rows<{ act: string; result: string; factor: string; address: string }>(
      "SELECT act, result, factor, address FROM audit_events WHERE target = $1 AND act LIKE 'factor.%' ORDER BY id",
      [id],
    );

  describe('an authenticator app', () => {
    it('is set up by the secret as picture and as text, once its first code has been shown', async () => {
      const email = 'fresh@acme.example';
      const id = await world.createPerson(email, 'Fay Fresh', { acme: 'member' });
      const browser = await world.signIn(email);
      const html = await (await browser.get(`${SECURITY}/totp`)).text();
      expect(html).toContain('aria-label="QR code for your authenticator app"');
      expect(secretOn(html)).toHaveLength(20);
      const wrong = await browser.post(`${SECURITY}/totp`, { ...hiddenFields(html), code: '000000' });
      expect(wrong.status).toBe(400);
      expect(secretOn(await wrong.text())).toEqual(secretOn(html));
      const long = await browser.post(`${SECURITY}/totp`, { ...hiddenFields(html), code: '1'.repeat(300) });
      expect(long.status).toBe(400);
      expect(secretOn(await long.text())).toEqual(secretOn(html));
      expect(await world.app.get(FactorRepository).hasSecondFactor(id)).toBe(false);
      const { recoveryCodes, response } = await setUpApp(world, browser);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(new Set(recoveryCodes).size).toBe(10);
      expect(await world.app.get(FactorRepository).hasSecondFactor(id)).toBe(true);
      const mails = await mailsTo(email);
      expect(mails.map(({ subject }) => subject)).toEqual(['An authenticator app was added to your account']);
      expect(JSON.stringify(mails[0]?.paragraphs)).toContain('new ones have come with it');
      expect(await audit(id)).toEqual([
        { act: 'factor.add', result: 'success', factor: 'pwd', address: expect.any(String) },
        { act: 'factor.make-recovery-codes', result: 'success', factor: 'pwd', address: expect.any(String) },
      ]);
    });

    it('lets the session in which it is added grow no older an end, and no younger a beginning', async () => {
      const browser = await world.signIn('owner@acme.example');
      const times = () =>
        deployment.rows(
          `SELECT auth_time, expires_at FROM sessions
            WHERE user_id = $1 AND ended_at IS NULL ORDER BY auth_time DESC LIMIT 1`,
          [world.id('owner@acme.example')],
        );
      const before = await times();
      deployment.advance(600_000);
      await setUpApp(world, browser);
      expect(await times()).toEqual(before);
      expect((await browser.get('/account')).status).toBe(200);
    });

    it('has a secret that the database keeps encrypted, for its owner alone', async () => {
      const { id } = await person();
      const [row] = await deployment.rows<{ secret_envelope: string }>(
        'SELECT secret_envelope FROM totp_factors WHERE user_id = $1',
        [id],
      );
      const open = (context: string) =>
        world.app.get(KeyEncryption).decrypt(row?.secret_envelope ?? '', context);
      expect(open(totpEnvelopeContext(id))).toHaveLength(20);
      expect(() => open(totpEnvelopeContext(world.id('owner@acme.example')))).toThrow();
    });

    it('an offer is for whom it was shown to, and for a quarter of an hour', async () => {
      const [one, other] = [await person(), await person()];
      const offer = hiddenFields(await (await one.browser.get(`${SECURITY}/totp`)).text())['offer'] ?? '';
      for (const [browser, envelope] of [
        [other.browser, offer],
        [one.browser, 'v1.nothing'],
        [one.browser, ''],
      ] as const) {
        const fields = { ...(await formOf(browser, `${SECURITY}/totp`)), offer: envelope, code: '123456' };
        const answer = await browser.post(`${SECURITY}/totp`, fields);
        expect(answer.status).toBe(400);
        expect(await answer.text()).toContain('shown for too long');
      }
    });

    it('set up again takes the place of the one before', async () => {
      const { browser, email, app, id } = await person();
      deployment.advance(30_000);
      const again = await setUpApp(world, browser);
      expect(again.recoveryCodes).toEqual([]);
      const next = await withPassword(world, email);
      expect((await present(next, { method: 'totp', code: app.freshCode() })).status).toBe(401);
      expect((await present(next, { method: 'totp', code: again.app.code() })).status).toBe(303);
      const [row] = await deployment.rows<{ second_factors: number }>(
        'SELECT second_factors FROM users WHERE id = $1',
        [id],
      );
      expect(row?.second_factors).toBe(1);
    });
  });

  describe('the second step', () => {
    it('after a right password nothing is open until the factor was shown', async () => {
      const { email, app } = await person();
      const browser = await withPassword(world, email);
      expect(browser.cookieNames.sort()).toEqual(['core_auth_csrf', 'core_auth_pending']);
      for (const path of ['/', '/account', SECURITY, '/choose-organization', '/device', '/step-up']) {
        expect(pathTo(await browser.get(path))).toMatch(/^\/sign-in\?/);
      }
      const { path } = world.authorizationRequest(world.client('projects'), { prompt: 'none' });
      expect(destinationOf(await browser.get(path)).searchParams.get('error')).toBe('login_required');
      // the secret of the pending sign-in is none of a session
      const thief = browser.clone();
      thief.setCookie('core_auth_session', browser.cookie('core_auth_pending') ?? '');
      expect(await isSignedIn(thief)).toBe(false);
      expect((await present(browser, { method: 'totp', code: app.freshCode() })).status).toBe(303);
      expect(await isSignedIn(browser)).toBe(true);
      expect(browser.cookieNames.sort()).toEqual([
        'core_auth_csrf',
        'core_auth_devices',
        'core_auth_session',
      ]);
    });

    it('the right password is on record: whose, by what and from where', async () => {
      const { email, id } = await person();
      await withPassword(world, email);
      expect(
        await deployment.rows(
          "SELECT actor, factor, address, result FROM audit_events WHERE act = 'sign-in.first-factor' AND target = $1",
          [id],
        ),
      ).toEqual([
        { actor: id, factor: 'pwd', address: expect.stringMatching(/127\.0\.0\.1|::1/), result: 'success' },
      ]);
    });

    it('leads to where the person was going, with both methods and the class that they reach (RFC 8176)', async () => {
      const { email, app } = await person();
      const client = world.client('projects');
      const { path, verifier, parameters } = world.authorizationRequest(client);
      const browser = world.browser();
      const asked = pathTo(await browser.get(path));
      const pending = await browser.submit(asked, '/sign-in', { email, password: PASSWORD });
      const page = pathTo(pending);
      const done = await present(browser, { method: 'totp', code: app.freshCode() }, page);
      const code = destinationOf(await browser.get(pathTo(done))).searchParams.get('code') ?? '';
      const { body } = await world.exchange(client, { code, verifier });
      expect(claimsOf(String(body['id_token']))).toMatchObject({
        amr: ['pwd', 'otp', 'mfa'],
        acr: 'aal2',
        nonce: parameters['nonce'],
      });
    });

    it('gives the browser another session than it had (no fixation)', async () => {
      const { email, app } = await person();
      const browser = world.browser();
      const planted = randomBytes(32).toString('base64url');
      browser.setCookie('core_auth_session', planted);
      await withPassword(world, email, browser);
      await present(browser, { method: 'totp', code: app.freshCode() });
      expect(browser.cookie('core_auth_session')).not.toBe(planted);
    });

    it('becomes one session at most, and waits for ten minutes', async () => {
      const { email, app } = await person();
      const browser = await withPassword(world, email);
      const again = browser.clone();
      const form = await formOf(browser, '/sign-in/second-factor');
      await present(browser, { method: 'totp', code: app.freshCode() });
      const second = await again.post('/sign-in/second-factor', {
        ...form,
        method: 'totp',
        code: app.freshCode(),
      });
      expect(pathTo(second)).toMatch(/^\/sign-in\?.*again=second-step/);
      const late = await withPassword(world, email);
      const lateForm = await formOf(late, '/sign-in/second-factor');
      deployment.advance(10 * MINUTE);
      const answer = await late.post('/sign-in/second-factor', {
        ...lateForm,
        method: 'totp',
        code: app.code(),
      });
      expect(pathTo(answer)).toMatch(/^\/sign-in\?.*again=second-step/);
      expect(await (await late.get(pathTo(answer))).text()).toContain('took too long');
    });

    it('ends with the tenth wrong code, with a new password and with the account', async () => {
      const { email, app, id } = await person();
      const browser = await withPassword(world, email);
      for (let count = 0; count < 10; count += 1) {
        const method = count % 2 === 0 ? 'totp' : 'recovery-code';
        expect((await present(browser, { method, code: '12345' })).status).toBe(401);
      }
      expect(pathTo(await browser.get('/sign-in/second-factor'))).toMatch(/again=second-step/);
      const changed = await withPassword(world, email);
      deployment.advance(1000);
      await endPassword(world, id, 'another');
      expect(pathTo(await changed.get('/sign-in/second-factor'))).toMatch(/again=second-step/);
      const other = await person();
      const disabled = await withPassword(world, other.email);
      await world.accounts.disableUser(other.id, 'test');
      expect(pathTo(await disabled.get('/sign-in/second-factor'))).toMatch(/again=second-step/);
      expect(app.code()).toMatch(/^\d{6}$/);
    });

    it('wrong codes delay the next for longer and longer, whichever sign-in they are brought to', async () => {
      const { email, app, id } = await person();
      let locked: Response | undefined;
      for (let count = 0; count < 60 && locked?.status !== 429; count += 1) {
        const browser = await withPassword(world, email);
        locked = await present(browser, { method: 'totp', code: '000000' });
      }
      expect(locked?.status).toBe(429);
      expect(Number(locked?.headers.get('retry-after'))).toBe(30);
      const browser = await withPassword(world, email);
      expect((await present(browser, { method: 'totp', code: app.code() })).status).toBe(429);
      deployment.advance(31_000);
      expect((await present(browser, { method: 'totp', code: '000000' })).status).toBe(401);
      const next = await present(browser, { method: 'totp', code: app.code() });
      expect(Number(next.headers.get('retry-after'))).toBe(60);
      deployment.advance(61_000);
      expect((await present(browser, { method: 'totp', code: app.code() })).status).toBe(303);
      expect(
        (await audit(id)).filter(({ act, result }) => act === 'factor.fail' && result === 'failure'),
      ).toHaveLength(41);
    });

    it('wrong codes are told to the owner by one mail a day, and shut out neither recovery code nor passkey', async () => {
      const { email, app, recoveryCodes, id } = await person();
      const wrong = async () => {
        const browser = await withPassword(world, email);
        return present(browser, { method: 'totp', code: '000000' });
      };
      const told = async () =>
        (await mailsTo(email)).filter(
          ({ subject }) => subject === 'Wrong codes were entered for your account',
        );
      for (let count = 0; count < 39; count += 1) await wrong();
      expect(await told()).toEqual([]);
      await wrong();
      deployment.advance(31_000);
      await wrong();
      expect(await told()).toHaveLength(1);
      const delayed = await withPassword(world, email);
      expect((await present(delayed, { method: 'totp', code: app.freshCode() })).status).toBe(429);
      expect((await present(delayed, { method: 'recovery-code', code: 'wrong' })).status).toBe(401);
      const code = recoveryCodes[0] ?? '';
      expect((await present(delayed, { method: 'recovery-code', code })).status).toBe(303);
      await deployment.rows(`INSERT INTO second_factor_failures VALUES ($1, 50, $2, $2, $2) RETURNING 1`, [
        id,
        new Date(world.clock.now().getTime() - 86_400_001),
      ]);
      await wrong();
      expect(await told()).toHaveLength(2);
    });

    it('after a hundred wrong codes in a row none is looked at, until the account is unlocked', async () => {
      const { email, app, id } = await person();
      const at = new Date(world.clock.now().getTime() - 2 * 86_400_000);
      await deployment.rows('INSERT INTO second_factor_failures VALUES ($1, 99, $2, $2, $2) RETURNING 1', [
        id,
        at,
      ]);
      const browser = await withPassword(world, email);
      expect((await present(browser, { method: 'totp', code: '000000' })).status).toBe(401);
      deployment.advance(2 * 86_400_000);
      const later = await withPassword(world, email);
      const closed = await present(later, { method: 'totp', code: app.freshCode() });
      expect([closed.status, await closed.text()]).toEqual([
        429,
        expect.stringContaining('Codes of the authenticator app are not taken any more.'),
      ]);
      const unlock = () =>
        world.app.get(LockoutRepository).unlock(id, { id: 'cli', address: null, factor: null });
      expect([await unlock(), await unlock()]).toEqual([true, false]);
      expect((await present(later, { method: 'totp', code: app.freshCode() })).status).toBe(303);
    });

    it('a code that is far too long is a wrong one, told at its field', async () => {
      const { email } = await person();
      const browser = await withPassword(world, email);
      const answer = await present(browser, { method: 'totp', code: '1'.repeat(300) });
      expect(answer.status).toBe(401);
      expect(await answer.text()).toContain('id="totp-error"');
    });

    it.each([
      ['no method', {}],
      ['an unknown method', { method: 'sms', code: '123456' }],
    ])('%s is answered as bad input', async (_, fields) => {
      const { email } = await person();
      const browser = await withPassword(world, email);
      expect((await present(browser, fields)).status).toBe(400);
    });

    it.each([
      ['no code', { method: 'totp' }],
      ['letters', { method: 'totp', code: 'abcdef' }],
      ['control characters', { method: 'totp', code: '12\u00003456' }],
      ['a recovery code that is none', { method: 'recovery-code', code: 'nothing' }],
      ['a passkey that is no JSON', { method: 'passkey', credential: '{' }],
      [
        'a passkey without what it signed',
        { method: 'passkey', credential: '{"id":"a","rawId":"a","type":"public-key","response":{}}' },
      ],
    ])('%s is a wrong factor, told in a sentence', async (_, fields) => {
      const { email } = await person();
      const browser = await withPassword(world, email);
      const answer = await present(browser, fields);
      expect(answer.status).toBe(401);
      expect(await answer.text()).toMatch(/role="alert"/);
    });

    it('without the anti-forgery token nothing is counted or opened', async () => {
      const { email, app } = await person();
      const browser = await withPassword(world, email);
      const answer = await browser.post('/sign-in/second-factor', { method: 'totp', code: app.freshCode() });
      expect(answer.status).toBe(403);
      expect((await present(browser, { method: 'totp', code: app.code() })).status).toBe(303);
    });
  });

  describe('a code is used once (RFC 6238 §5.2)', () => {
    it('not again in its half minute, nor one from before it', async () => {
      const { email, app } = await person();
      const before = app.code();
      const first = await withPassword(world, email);
      const code = app.freshCode();
      expect((await present(first, { method: 'totp', code })).status).toBe(303);
      const second = await withPassword(world, email);
      for (const used of [code, before]) {
        expect((await present(second, { method: 'totp', code: used })).status).toBe(401);
      }
    });

    it('OWASP ASVS 5.0 6.5.5: two codes are good at a moment, each for a minute: from 5 seconds before its half minute', async () => {
      const { email, app } = await person();
      deployment.advance(5 * MINUTE);
      /** Which codes sign in, of those that the app has not used, at this second of a half minute. */
      const good = async (second: number, steps: readonly number[]): Promise<number[]> => {
        deployment.advance(MINUTE + app.untilSecond(second));
        const taken: number[] = [];
        for (const step of steps) {
          const browser = await withPassword(world, email);
          const answer = await present(browser, { method: 'totp', code: app.code(step) });
          if (answer.status === 303) taken.push(step);
        }
        return taken;
      };
      expect(await good(0, [-2, -1, 0, 1])).toEqual([-1, 0]);
      expect(await good(24, [-2, -1, 0, 1])).toEqual([-1, 0]);
      expect(await good(25, [-2, -1, 0, 1, 2])).toEqual([0, 1]);
    });

    const winnersOf = async (email: string, fields: Readonly<Record<string, string>>): Promise<number[]> => {
      const browsers = await Promise.all(
        Array.from({ length: 20 }, async (_, index) =>
          (await withPassword(world, email)).at(deployment.node(index).url),
        ),
      );
      const forms = await Promise.all(browsers.map((browser) => formOf(browser, '/sign-in/second-factor')));
      const answers = await Promise.all(
        browsers.map((browser, index) =>
          browser.post('/sign-in/second-factor', { ...forms[index], ...fields }),
        ),
      );
      return answers.map(({ status }) => status).sort();
    };
    const ONE_OF_TWENTY = [303, ...Array<number>(19).fill(401)];

    it('of 20 that bring one code to two nodes at once, one gets in', async () => {
      const { email, app } = await person();
      for (let round = 0; round < 3; round += 1) {
        const code = app.freshCode();
        expect(await winnersOf(email, { method: 'totp', code })).toEqual(ONE_OF_TWENTY);
      }
    }, 60_000);

    it('of 20 that bring one recovery code to two nodes at once, one gets in, and one mail tells of it', async () => {
      const { email, recoveryCodes, id } = await person();
      for (const code of recoveryCodes.slice(0, 3)) {
        expect(await winnersOf(email, { method: 'recovery-code', code })).toEqual(ONE_OF_TWENTY);
      }
      const told = (await mailsTo(email)).filter(({ subject }) =>
        subject.startsWith('A recovery code was used'),
      );
      expect(told).toHaveLength(3);
      expect((await audit(id)).filter(({ act }) => act === 'factor.use-recovery-code')).toHaveLength(3);
    }, 60_000);
  });

  describe('recovery codes', () => {
    it('open the account once each, typed in small letters too', async () => {
      const { email, recoveryCodes } = await person();
      const code = recoveryCodes[0] ?? '';
      const browser = await withPassword(world, email);
      expect((await present(browser, { method: 'recovery-code', code: code.toLowerCase() })).status).toBe(
        303,
      );
      const again = await withPassword(world, email);
      expect((await present(again, { method: 'recovery-code', code })).status).toBe(401);
      expect(await (await browser.get(SECURITY)).text()).toContain('You have 9 left.');
    });

    it('make no browser stand for the factor, whatever the form says', async () => {
      const { email, recoveryCodes } = await person();
      const browser = await withPassword(world, email);
      const code = recoveryCodes[0] ?? '';
      expect((await present(browser, { method: 'recovery-code', code, remember: 'on' })).status).toBe(303);
      await browser.submit('/account', '/sign-out', {});
      const again = await browser.submit('/sign-in', '/sign-in', { email, password: PASSWORD });
      expect(pathTo(again)).toMatch(/^\/sign-in\/second-factor/);
    });

    it('are replaced by new ones, which are shown this once, and those of somebody else are worth nothing', async () => {
      const [one, other] = [await person(), await person()];
      const answer = await one.browser.post(
        `${SECURITY}/recovery-codes`,
        await formOf(one.browser, SECURITY),
      );
      const fresh = recoveryCodesOn(await answer.text());
      expect(fresh).toHaveLength(10);
      expect(recoveryCodesOn(await (await one.browser.get(SECURITY)).text())).toEqual([]);
      const browser = await withPassword(world, one.email);
      for (const code of [one.recoveryCodes[0] ?? '', other.recoveryCodes[0] ?? '']) {
        expect((await present(browser, { method: 'recovery-code', code })).status).toBe(401);
      }
      expect((await present(browser, { method: 'recovery-code', code: fresh[0] ?? '' })).status).toBe(303);
    });

    it('made in ten tabs at once leave ten that work', async () => {
      const { browser, id } = await person();
      const form = await formOf(browser, SECURITY);
      await Promise.all(
        Array.from({ length: 10 }, () => browser.clone().post(`${SECURITY}/recovery-codes`, form)),
      );
      const rows = await deployment.rows('SELECT 1 FROM recovery_codes WHERE user_id = $1', [id]);
      expect(rows).toHaveLength(10);
    });

    it('there are none for who has nothing that they stand in for', async () => {
      const browser = await world.signIn('consultant@partners.example');
      const answer = await browser.post(`${SECURITY}/recovery-codes`, await formOf(browser, SECURITY));
      expect(answer.status).toBe(409);
      expect(await answer.text()).toContain('Add a passkey or an authenticator app first');
    });
  });

  it('the app is removed with the codes, a mail tells of it, and the password is then enough', async () => {
    const { browser, email, id } = await person();
    const removed = await browser.post(`${SECURITY}/totp/remove`, await formOf(browser, SECURITY));
    expect(pathTo(removed)).toBe(`${SECURITY}?done=totp-removed`);
    expect(await (await browser.get(pathTo(removed))).text()).toContain('The authenticator app was removed.');
    expect(await deployment.rows('SELECT 1 FROM recovery_codes WHERE user_id = $1', [id])).toEqual([]);
    expect(await isSignedIn(await world.signIn(email))).toBe(true);
    expect((await mailsTo(email)).map(({ subject }) => subject)).toContain(
      'Your authenticator app was removed',
    );
    const again = await browser.post(`${SECURITY}/totp/remove`, await formOf(browser, SECURITY));
    expect(again.status).toBe(409);
    expect(await again.text()).toContain('not there any more');
  });
});
