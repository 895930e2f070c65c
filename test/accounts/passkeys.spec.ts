import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server';
import { Client } from 'pg';
import { WebAuthnChallengeRepository } from '#sessions';
import { eventually, pathTo } from '../support/answers.js';
import { Deployment, MINUTE } from '../support/deployment.js';
import { addPasskey, formOf, optionsAt, present, withPassword } from '../support/factors.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { SoftAuthenticator } from '../support/soft-authenticator.js';
import { claimsOf, type World } from '../support/world.js';

const SECURITY = '/account/security';
const PASSKEYS = `${SECURITY}/passkeys`;
const SECOND = '/sign-in/second-factor';

describe('passkeys', () => {
  let deployment: Deployment;
  let world: World;
  let people = 0;

  beforeAll(async () => {
    deployment = await Deployment.start();
    world = deployment.node(0);
  });
  afterAll(() => deployment.stop());

  const person = async () => {
    const email = `keyholder-${(people += 1)}@acme.example`;
    const id = await world.createPerson(email, `Keyholder ${people}`, { acme: 'member' });
    const browser = await world.signIn(email);
    return { email, id, browser, ...(await addPasskey(browser, world.url)) };
  };
  const newPerson = async () => {
    const email = `newcomer-${(people += 1)}@acme.example`;
    await world.createPerson(email, `Newcomer ${people}`, { acme: 'member' });
    return { email, browser: await world.signIn(email) };
  };
  const signIn = async (
    browser: HttpBrowser,
    authenticator: SoftAuthenticator,
    behavior: Parameters<SoftAuthenticator['get']>[1] = {},
  ) => {
    const options = await optionsAt(browser, '/sign-in', '/sign-in/passkey');
    const credential = JSON.stringify(authenticator.get(options, behavior));
    const form = await formOf(browser, '/sign-in');
    return { response: await browser.post('/sign-in/passkey', { ...form, credential }), credential, form };
  };
  const refused = (response: Response) => /again=passkey/.test(pathTo(response));
  const creation = (browser: HttpBrowser) =>
    optionsAt<PublicKeyCredentialCreationOptionsJSON>(browser, SECURITY, PASSKEYS);
  const add = async (browser: HttpBrowser, credential: unknown, name = 'Laptop') =>
    browser.post(PASSKEYS, {
      ...(await formOf(browser, SECURITY)),
      name,
      credential: JSON.stringify(credential),
    });

  describe('as the only factor', () => {
    it('signs in without an address or a password, as aal2 (RFC 8176: hwk, user, mfa)', async () => {
      const { authenticator } = await person();
      const browser = world.browser();
      const { response } = await signIn(browser, authenticator);
      expect(pathTo(response)).toBe('/');
      const client = world.client('projects');
      const { body } = await world.exchange(client, await world.code(client, browser));
      expect(claimsOf(String(body['id_token']))).toMatchObject({ amr: ['hwk', 'user', 'mfa'], acr: 'aal2' });
    });

    it('who has no password signs in with it, and does not remove it as long as it is the only one', async () => {
      const { authenticator, id } = await person();
      await deployment.rows('UPDATE users SET password_hash = NULL WHERE id = $1', [id]);
      const browser = world.browser();
      await signIn(browser, authenticator);
      const html = await (await browser.get(SECURITY)).text();
      const action = /action="([^"]+\/remove)"/.exec(html)?.[1] ?? '';
      const answer = await browser.post(action, await formOf(browser, SECURITY));
      expect(answer.status).toBe(409);
      expect(await answer.text()).toContain('the only way into your account');
    });

    it('not without a verified user (Web Authentication §7.2), nor on another site', async () => {
      const { authenticator } = await person();
      const browser = world.browser();
      expect(refused((await signIn(browser, authenticator, { userVerified: false })).response)).toBe(true);
      expect(
        refused((await signIn(browser, authenticator, { origin: 'https://evil.example' })).response),
      ).toBe(true);
      expect(refused((await signIn(browser, new SoftAuthenticator(world.url))).response)).toBe(true);
      expect((await browser.get('/account')).status).toBe(303);
      expect(refused((await signIn(browser, authenticator)).response)).toBe(false);
    });

    it('not for an account that is disabled', async () => {
      const { authenticator, id } = await person();
      await world.accounts.disableUser(id, 'test');
      expect(refused((await signIn(world.browser(), authenticator)).response)).toBe(true);
    });
  });

  describe('a challenge (Web Authentication §13.4.3)', () => {
    it('is used once, whichever node is asked and however many at once', async () => {
      const { authenticator } = await person();
      const browser = world.browser();
      const options = await optionsAt(browser, '/sign-in', '/sign-in/passkey');
      const fields = {
        ...(await formOf(browser, '/sign-in')),
        credential: JSON.stringify(authenticator.get(options)),
      };
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          browser.at(deployment.node(index).url).post('/sign-in/passkey', fields),
        ),
      );
      expect(answers.filter((answer) => !refused(answer))).toHaveLength(1);
      expect(refused(await browser.post('/sign-in/passkey', fields))).toBe(true);
    });

    it('is for the browser that it was given to', async () => {
      const { authenticator } = await person();
      const [mine, other] = [world.browser(), world.browser()];
      const options = await optionsAt(mine, '/sign-in', '/sign-in/passkey');
      const credential = JSON.stringify(authenticator.get(options));
      const form = await formOf(other, '/sign-in');
      expect(refused(await other.post('/sign-in/passkey', { ...form, credential }))).toBe(true);
    });

    it('is for five minutes, and is then swept', async () => {
      const { authenticator } = await person();
      const browser = world.browser();
      const options = await optionsAt(browser, '/sign-in', '/sign-in/passkey');
      deployment.advance(5 * MINUTE);
      const credential = JSON.stringify(authenticator.get(options));
      const form = await formOf(browser, '/sign-in');
      expect(refused(await browser.post('/sign-in/passkey', { ...form, credential }))).toBe(true);
      await world.app.get(WebAuthnChallengeRepository).prune(1000);
      expect(await deployment.rows('SELECT 1 FROM webauthn_challenges')).toEqual([]);
    });

    it('is for what it was asked for: one for a second factor signs nobody in', async () => {
      const { authenticator, email } = await person();
      const browser = await withPassword(world, email);
      const options = await optionsAt(browser, SECOND, SECOND);
      const credential = JSON.stringify(authenticator.get(options));
      const form = await formOf(browser, '/sign-in');
      expect(refused(await browser.post('/sign-in/passkey', { ...form, credential }))).toBe(true);
    });

    it('is 32 random bytes; a browser that asks again and again keeps ten', async () => {
      const browser = world.browser();
      const form = await formOf(browser, '/sign-in');
      const before = (await deployment.rows('SELECT 1 FROM webauthn_challenges')).length;
      const challenges = new Set<string>();
      for (let count = 0; count < 15; count += 1) {
        const answer = await browser.post('/sign-in/passkey/options', form);
        challenges.add(((await answer.json()) as { challenge: string }).challenge);
      }
      expect(await deployment.rows('SELECT 1 FROM webauthn_challenges')).toHaveLength(before + 10);
      expect(challenges.size).toBe(15);
      for (const challenge of challenges) expect(Buffer.from(challenge, 'base64url')).toHaveLength(32);
    });
  });

  describe('as the second factor', () => {
    it('after the password: pwd, hwk, mfa', async () => {
      const { authenticator, email } = await person();
      const browser = await withPassword(world, email);
      const options = await optionsAt(browser, SECOND, SECOND);
      expect(options.allowCredentials?.map(({ id }) => id)).toEqual([authenticator.id]);
      const credential = JSON.stringify(authenticator.get(options, { userVerified: false }));
      expect((await present(browser, { method: 'passkey', credential })).status).toBe(303);
      const client = world.client('projects');
      const { body } = await world.exchange(client, await world.code(client, browser));
      expect(claimsOf(String(body['id_token']))).toMatchObject({ amr: ['pwd', 'hwk', 'mfa'], acr: 'aal2' });
    });

    it('not by the passkey of somebody else', async () => {
      const [one, other] = [await person(), await person()];
      const browser = await withPassword(world, one.email);
      const options = await optionsAt(browser, SECOND, SECOND);
      const credential = JSON.stringify(other.authenticator.get(options));
      expect((await present(browser, { method: 'passkey', credential })).status).toBe(401);
    });

    it('options are for who has given the password', async () => {
      const browser = world.browser();
      const answer = await browser.post(`${SECOND}/options`, await formOf(browser, '/sign-in'), {
        accept: 'application/json',
      });
      expect(answer.status).toBe(401);
    });
  });

  it('a signature counter that does not grow is refused and on record (Web Authentication §6.1.1)', async () => {
    const { authenticator, id } = await person();
    expect(refused((await signIn(world.browser(), authenticator, { counter: 7 })).response)).toBe(false);
    for (const counter of [7, 3, 0]) {
      expect(refused((await signIn(world.browser(), authenticator, { counter })).response)).toBe(true);
    }
    expect(refused((await signIn(world.browser(), authenticator, { counter: 8 })).response)).toBe(false);
    const audited = await deployment.rows<{ result: string; detail: Record<string, unknown> }>(
      "SELECT result, detail FROM audit_events WHERE act = 'factor.counter-regress' AND target = $1 ORDER BY id",
      [id],
    );
    expect(audited.map(({ result, detail }) => [result, detail['known'], detail['presented']])).toEqual([
      ['failure', 7, 7],
      ['failure', 7, 3],
      ['failure', 7, 0],
    ]);
  });

  it('one that signs nobody in is on record: from where, why, and whose it is if that is known', async () => {
    const { authenticator, id } = await person();
    const browser = world.browser();
    const [before] = await deployment.rows<{ id: string }>('SELECT max(id) AS id FROM audit_events');
    const form = await formOf(browser, '/sign-in');
    await browser.post('/sign-in/passkey', { ...form, credential: '{}' });
    const { credential } = await signIn(browser, authenticator, { counter: 5 });
    await browser.post('/sign-in/passkey', { ...form, credential });
    await signIn(browser, new SoftAuthenticator(world.url));
    await signIn(browser, authenticator, { userVerified: false });
    await signIn(browser, authenticator, { counter: 5 });
    const rows = await deployment.rows(
      `SELECT actor, target, address IS NOT NULL AS located, result, detail FROM audit_events
        WHERE act = 'sign-in' AND id > $1 ORDER BY id`,
      [before?.id],
    );
    const refusal = (reason: string, target = 'anonymous') => ({
      ...{ actor: 'anonymous', target, located: true, result: 'failure' },
      detail: { method: 'passkey', reason },
    });
    expect(rows).toEqual([
      refusal('unreadable'),
      refusal('challenge'),
      refusal('unknown'),
      refusal('signature', id),
      refusal('counter', id),
    ]);
  });

  describe('adding one', () => {
    it('asks for a discoverable credential and a verified user, of this host', async () => {
      const { browser } = await newPerson();
      expect(await creation(browser)).toMatchObject({
        rp: { id: 'localhost', name: 'Core Auth' },
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        attestation: 'none',
      });
    });

    it('refuses one without a verified user, of another origin, and one that was made for somebody else', async () => {
      const [one, other] = [await newPerson(), await newPerson()];
      const authenticator = () => new SoftAuthenticator(world.url);
      for (const credential of [
        authenticator().create(await creation(one.browser), { userVerified: false }),
        authenticator().create(await creation(one.browser), { origin: 'https://evil.example' }),
        authenticator().create(await creation(other.browser)),
        { id: 'x' },
        null,
      ]) {
        const answer = await add(one.browser, credential);
        expect(answer.status).toBe(400);
        expect(await answer.text()).toContain('could not be added');
      }
    });

    it.each(['', '   ', 'x'.repeat(61), 'bell\u0007', 'null\0byte'])(
      'refuses the name %j beside its field',
      async (name) => {
        const { browser } = await newPerson();
        const answer = await add(
          browser,
          new SoftAuthenticator(world.url).create(await creation(browser)),
          name,
        );
        expect(answer.status).toBe(400);
        expect(await answer.text()).toContain('aria-describedby="passkey-name-error"');
      },
    );

    it('takes twenty and no more, however many at once', async () => {
      const { authenticator, id } = await person();
      const forms: { browser: HttpBrowser; fields: Record<string, string> }[] = [];
      for (let count = 0; count < 24; count += 1) {
        const browser = world.browser();
        await signIn(browser, authenticator);
        const credential = JSON.stringify(new SoftAuthenticator(world.url).create(await creation(browser)));
        const form = await formOf(browser, SECURITY);
        forms.push({ browser, fields: { ...form, name: `Key ${count}`, credential } });
      }
      const answers = await Promise.all(
        forms.map(({ browser, fields }, index) =>
          browser.at(deployment.node(index).url).post(PASSKEYS, fields),
        ),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([...Array<number>(19).fill(200), ...Array<number>(5).fill(409)]);
      const rows = await deployment.rows<{ second_factors: number; kept: number }>(
        `SELECT second_factors, (SELECT count(*)::int FROM passkeys WHERE user_id = u.id) AS kept
           FROM users u WHERE id = $1`,
        [id],
      );
      expect(rows).toEqual([{ second_factors: 20, kept: 20 }]);
    }, 60_000);
  });

  describe('the list', () => {
    it('renames and removes one’s own, with a mail each, and nobody else’s', async () => {
      const [one, other] = [await person(), await person()];
      const html = await (await one.browser.get(SECURITY)).text();
      const base = /action="([^"]+)\/rename"/.exec(html)?.[1] ?? '';
      for (const act of ['rename', 'remove']) {
        const form = { ...(await formOf(other.browser, SECURITY)), name: 'Mine now' };
        expect((await other.browser.post(`${base}/${act}`, form)).status).toBe(404);
      }
      const form = { ...(await formOf(one.browser, SECURITY)), name: ' Cafe\u0301 key ' };
      expect(pathTo(await one.browser.post(`${base}/rename`, form))).toContain('done=passkey-renamed');
      expect(await (await one.browser.get(SECURITY)).text()).toContain('Café key');
      expect(pathTo(await one.browser.post(`${base}/remove`, form))).toContain('done=passkey-removed');
      expect(refused((await signIn(world.browser(), one.authenticator)).response)).toBe(true);
      expect((await one.browser.post(`${base}/remove`, form)).status).toBe(404);
      expect((await one.browser.post(`${PASSKEYS}/no-uuid/remove`, form)).status).toBe(404);
      const acts = await deployment.rows<{ act: string }>(
        "SELECT act FROM audit_events WHERE target = $1 AND act LIKE 'factor.%' ORDER BY id",
        [one.id],
      );
      expect(acts.map(({ act }) => act)).toEqual([
        'factor.add',
        'factor.make-recovery-codes',
        'factor.rename',
        'factor.remove',
      ]);
    });

    it('of two windows that remove the same one at once, one does', async () => {
      const { browser, id } = await person();
      await addPasskey(browser, world.url, 'Other');
      const html = await (await browser.get(SECURITY)).text();
      const action = /action="([^"]+\/remove)"/.exec(html)?.[1] ?? '';
      const form = await formOf(browser, SECURITY);
      // all of them are on their way before the first may go on
      const holder = new Client({ connectionString: world.database.url });
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [id]);
      const removals = Array.from({ length: 4 }, (_, index) =>
        browser.at(deployment.node(index).url).post(action, form),
      );
      await eventually(async () => {
        const waiting = await deployment.rows(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        return waiting.length === removals.length || undefined;
      }, 'four that wait');
      await holder.query('COMMIT');
      await holder.end();
      const answers = await Promise.all(removals);
      expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
      const rows = await deployment.rows('SELECT second_factors FROM users WHERE id = $1', [id]);
      expect(rows).toEqual([{ second_factors: 1 }]);
    });
  });
});
