import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server';
import { Database, sql } from '#platform';
import { SecondFactorRuleRepository, totpCode, totpStep } from '#sessions';
import { mailsTo } from '../support/mailbox.js';
import { present, secretFrom, withPassword } from '../support/factors.js';
import { SoftAuthenticator } from '../support/soft-authenticator.js';
import { World } from '../support/world.js';
import { AccountApiWorld, type Caller } from './account-api-world.js';

const APP = '/factors/authenticator-app';
const PASSKEYS = '/factors/passkeys';
const CODES = '/factors/recovery-codes';
const TEN_CODES = Array(10).fill(expect.stringMatching(/^([0-9A-Z]{4}-){5}[0-9A-Z]{4}$/));

describe('factors by the API of one’s own account', () => {
  let api: AccountApiWorld;
  let world: World;
  beforeAll(async () => {
    api = await AccountApiWorld.start();
    world = api.world;
  });
  afterAll(() => api.stop());

  const factorsOf = async (token: string) => (await api.call('GET', '/factors', token)).body;
  /** Begins to set an app up: its secret, and what confirms it. */
  const offered = async (token: string) => {
    const { status, body } = await api.call('POST', `${APP}/offers`, token);
    expect(status).toBe(200);
    const secret = secretFrom(String(body['secret']));
    const codeOf = (steps = 0) => totpCode(secret, totpStep(world.clock.now()) + steps);
    return { body, offer: String(body['offer']), secret, codeOf };
  };
  const optionsFor = async (token: string) => {
    const { status, body } = await api.call('POST', `${PASSKEYS}/options`, token);
    expect(status).toBe(200);
    return body as unknown as PublicKeyCredentialCreationOptionsJSON;
  };
  const newAuthenticator = () => new SoftAuthenticator(world.url);
  const addPasskey = async (token: string, name = 'Laptop', authenticator = newAuthenticator()) => {
    const credential = authenticator.create(await optionsFor(token));
    return api.call('POST', PASSKEYS, token, { name, credential });
  };
  const passkeysOf = async (token: string) =>
    (await factorsOf(token))['passkeys'] as { id: string; name: string }[];
  const noticesTo = async (email: string) =>
    (await mailsTo(world, email))
      .map(({ subject }) => subject)
      .filter((subject) => !subject.includes('new device'));
  const audit = async (id: string) =>
    (
      await world.app.get(Database).query<{ act: string; factor: string; client: string }>(sql`
        SELECT act, factor, client_id AS client FROM audit_events WHERE target = ${id} AND starts_with(act, 'factor.') ORDER BY id`)
    ).map(({ act, factor, client }) => `${act} by ${factor} through ${client}`);
  const requireFactor = (required: boolean) =>
    world.app
      .get(SecondFactorRuleRepository)
      .set(world.id('acme'), required, { id: 'test', address: null, factor: null });
  /** A token of the same person, who has proven the app that they just set up. */
  const withApp = async ({ email, browser }: Caller, codeOf: () => string) => {
    await withPassword(world, email, browser);
    world.clock.advance(30_000);
    await present(browser, { method: 'totp', code: codeOf() });
    return (await api.tokens(browser)).token;
  };

  it('what one node of a deployment has begun, another one ends', async () => {
    const { token } = await api.person();
    const other = await World.start({ beside: world });
    try {
      const { offer, codeOf } = await offered(token);
      const credential = newAuthenticator().create(await optionsFor(token));
      const adding = [
        api.call('POST', PASSKEYS, token, { name: 'Laptop', credential }, other),
        api.call('POST', PASSKEYS, token, { name: 'Laptop', credential }),
      ];
      const statuses = (await Promise.all(adding)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 201)).toHaveLength(1);
      // with the passkey there is a second factor, which the token has not
      const confirmed = await api.call('PUT', APP, token, { offer, code: codeOf() }, other);
      expect(confirmed).toMatchObject({ status: 401, body: { code: 'insufficient_user_authentication' } });
    } finally {
      await other.stop();
    }
  });

  describe('an authenticator app', () => {
    it('is set up by a secret and its first code, which brings recovery codes; the next act needs both factors', async () => {
      const person = await api.person();
      const { email, id, token } = person;
      expect(await factorsOf(token)).toEqual({
        authenticator_app: null,
        passkeys: [],
        recovery_codes_left: 0,
      });
      const { body, offer, secret, codeOf } = await offered(token);
      expect(Object.keys(body).sort()).toEqual(['offer', 'secret', 'uri']);
      expect(secret).toHaveLength(20);
      expect(body['uri']).toBe(
        `otpauth://totp/Core%20Auth:${encodeURIComponent(email)}?secret=${String(body['secret'])}&issuer=Core%20Auth&algorithm=SHA1&digits=6&period=30`,
      );
      const answer = await api.call('PUT', APP, token, { offer, code: codeOf() });
      expect(answer).toMatchObject({ status: 200, body: { recovery_codes: TEN_CODES } });
      expect(await factorsOf(token)).toEqual({
        authenticator_app: { created_at: expect.stringMatching(/Z$/), last_used_at: null },
        passkeys: [],
        recovery_codes_left: 10,
      });
      expect(await noticesTo(email)).toHaveLength(1);
      expect(await audit(id)).toEqual([
        'factor.add by pwd through assistant',
        'factor.make-recovery-codes by pwd through assistant',
      ]);

      const refused = await api.call('DELETE', APP, token);
      expect(refused).toMatchObject({ status: 401, body: { code: 'insufficient_user_authentication' } });
      expect(refused.headers.get('www-authenticate')).toContain('acr_values="aal2"');
      const strong = await withApp(person, codeOf);
      expect((await api.call('DELETE', APP, strong)).status).toBe(204);
      expect(await factorsOf(strong)).toMatchObject({ authenticator_app: null, recovery_codes_left: 0 });
      expect(await api.call('DELETE', APP, strong)).toMatchObject({
        status: 404,
        body: { code: 'unknown_factor' },
      });
    });

    it('takes the place of the one before, which signs nobody in any more; the codes stay', async () => {
      const person = await api.protectedPerson();
      const { offer, codeOf } = await offered(person.token);
      const answer = await api.call('PUT', APP, person.token, { offer, code: codeOf() });
      expect(answer).toMatchObject({ status: 200, body: { recovery_codes: [] } });
      const browser = await withPassword(world, person.email);
      expect((await present(browser, { method: 'totp', code: person.app.freshCode() })).status).toBe(401);
      expect((await api.call('GET', '', await withApp(person, codeOf))).status).toBe(200);
    });

    it.each([
      ['a wrong code', (good: Confirmation) => ({ ...good, code: '000000' }), 'wrong_code'],
      ['no code', (good: Confirmation) => ({ ...good, code: 'abc' }), 'wrong_code'],
      ['a forged offer', (good: Confirmation) => ({ ...good, offer: 'x' }), 'offer_expired'],
      ['a number', (good: Confirmation) => ({ ...good, code: 123456 }), 'invalid_request'],
      ['nothing', () => ({}), 'invalid_request'],
    ])('is not set up by %s', async (_, bodyOf, code) => {
      const { email, token } = await api.person();
      const { offer, codeOf } = await offered(token);
      expect(await api.call('PUT', APP, token, bodyOf({ offer, code: codeOf() }))).toMatchObject({
        status: 400,
        body: { code },
      });
      expect(await factorsOf(token)).toMatchObject({ authenticator_app: null });
      expect(await noticesTo(email)).toEqual([]);
    });

    it('is not set up by an offer of somebody else, nor by one of a quarter of an hour ago', async () => {
      const [one, other] = [await api.person(), await api.person()];
      const { offer, codeOf } = await offered(one.token);
      const confirm = (token: string) => api.call('PUT', APP, token, { offer, code: codeOf() });
      expect(await confirm(other.token)).toMatchObject({ status: 400, body: { code: 'offer_expired' } });
      world.clock.advance(15 * 60_000);
      await api.signInAgain(one.email, one.browser);
      const { token } = await api.tokens(one.browser);
      expect(await confirm(token)).toMatchObject({ status: 400, body: { code: 'offer_expired' } });
    });

    it('stays while an organization of the person asks for a second factor', async () => {
      const { token } = await api.protectedPerson();
      await requireFactor(true);
      try {
        expect(await api.call('DELETE', APP, token)).toMatchObject({
          status: 409,
          body: { code: 'factor_required', detail: expect.stringContaining('Acme Corporation') },
        });
      } finally {
        await requireFactor(false);
      }
      expect(await factorsOf(token)).toMatchObject({ authenticator_app: { last_used_at: null } });
    });
  });

  describe('recovery codes', () => {
    it('are made anew in place of those before, and each signs in once', async () => {
      const { email, token } = await api.protectedPerson();
      const [before, after] = [await api.call('POST', CODES, token), await api.call('POST', CODES, token)];
      expect(after).toMatchObject({ status: 201, body: { recovery_codes: TEN_CODES } });
      const signInBy = async ({ body }: typeof after) => {
        const [code = ''] = body['recovery_codes'] as string[];
        const browser = await withPassword(world, email);
        return (await present(browser, { method: 'recovery-code', code })).status;
      };
      expect(await signInBy(before)).toBe(401);
      expect(await signInBy(after)).toBe(303);
      expect(await factorsOf(token)).toMatchObject({ recovery_codes_left: 9 });
    });

    it('stand in for a factor, and are not made without one', async () => {
      const { token } = await api.person();
      expect(await api.call('POST', CODES, token)).toMatchObject({
        status: 409,
        body: { code: 'no_factor' },
      });
    });
  });

  describe('a passkey', () => {
    it('is added, named, renamed and removed, and signs in meanwhile', async () => {
      const { email, id, token, browser } = await api.protectedPerson();
      const authenticator = newAuthenticator();
      const added = await addPasskey(token, ' Work   laptop', authenticator);
      expect(added).toMatchObject({ status: 201, body: { recovery_codes: [] } });
      const [passkey] = await passkeysOf(token);
      expect(passkey).toEqual({
        id: expect.any(String),
        name: 'Work   laptop',
        synced: false,
        created_at: expect.stringMatching(/Z$/),
        last_used_at: null,
      });
      const path = `${PASSKEYS}/${passkey?.id}`;
      expect((await api.call('PATCH', path, token, { name: 'Old laptop' })).status).toBe(204);
      expect(await passkeysOf(token)).toMatchObject([{ name: 'Old laptop' }]);
      expect((await browser.get('/account/security')).status).toBe(200);
      expect((await api.call('DELETE', path, token)).status).toBe(204);
      expect(await passkeysOf(token)).toEqual([]);
      expect((await api.call('DELETE', path, token)).status).toBe(404);
      expect(await noticesTo(email)).toEqual(expect.arrayContaining([expect.stringContaining('passkey')]));
      expect((await audit(id)).slice(-3)).toEqual([
        'factor.add by pwd otp mfa through assistant',
        'factor.rename by pwd otp mfa through assistant',
        'factor.remove by pwd otp mfa through assistant',
      ]);
    });

    it('that is the first factor brings recovery codes', async () => {
      const { token } = await api.person();
      expect(await addPasskey(token)).toMatchObject({ status: 201, body: { recovery_codes: TEN_CODES } });
    });

    it('answers a challenge of this access, once', async () => {
      const [one, other] = [await api.protectedPerson(), await api.protectedPerson()];
      const authenticator = newAuthenticator();
      const credential = authenticator.create(await optionsFor(one.token));
      const body = { name: 'Laptop', credential };
      const again = await api.tokens(one.browser);
      for (const token of [other.token, again.token]) {
        expect(await api.call('POST', PASSKEYS, token, body)).toMatchObject({
          status: 400,
          body: { code: 'passkey_refused' },
        });
      }
      expect((await api.call('POST', PASSKEYS, one.token, body)).status).toBe(201);
      expect((await api.call('POST', PASSKEYS, one.token, body)).status).toBe(400);
      // and it is nobody else's afterwards
      expect(await addPasskey(other.token, 'Mine', authenticator)).toMatchObject({
        status: 409,
        body: { code: 'too_many_factors' },
      });
      expect(
        [await passkeysOf(one.token), await passkeysOf(other.token)].map(({ length }) => length),
      ).toEqual([1, 0]);
    });

    it('of another origin, or one that did not verify its user, is refused', async () => {
      const { token } = await api.person();
      for (const behavior of [{ origin: 'https://evil.example' }, { userVerified: false }]) {
        const credential = newAuthenticator().create(await optionsFor(token), behavior);
        expect(await api.call('POST', PASSKEYS, token, { name: 'Laptop', credential })).toMatchObject({
          status: 400,
          body: { code: 'passkey_refused' },
        });
      }
      expect(await passkeysOf(token)).toEqual([]);
    });

    it('of somebody else can neither be renamed nor removed, nor one that there is not', async () => {
      const [one, other] = [await api.protectedPerson(), await api.protectedPerson()];
      await addPasskey(one.token);
      const [passkey] = await passkeysOf(one.token);
      for (const id of [passkey?.id, randomUUID(), 'nonsense', '%00']) {
        const path = `${PASSKEYS}/${id}`;
        expect((await api.call('PATCH', path, other.token, { name: 'Mine' })).status).toBe(404);
        expect((await api.call('DELETE', path, other.token)).status).toBe(404);
      }
      expect(await passkeysOf(one.token)).toEqual([passkey]);
    });

    it.each(['', '  ', 'x'.repeat(61), 'a\u0000b', 'a\ud800', 7, null])(
      'has no name like %j',
      async (name) => {
        const { token } = await api.person();
        const credential = newAuthenticator().create(await optionsFor(token));
        expect(await api.call('POST', PASSKEYS, token, { name, credential })).toMatchObject({
          status: 400,
          body: { detail: expect.stringContaining('1 to 60 characters') },
        });
        // the challenge has not been spent by that
        expect((await api.call('POST', PASSKEYS, token, { name: 'Laptop', credential })).status).toBe(201);
      },
    );
  });
});

interface Confirmation {
  readonly offer: string;
  readonly code: string;
}
