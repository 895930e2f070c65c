import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AccountRemovalRepository, RoleRepository, type PersonExport } from '#accounts';
import { Database, sql } from '#platform';
import { SecondFactorRuleRepository } from '#sessions';
import { pathTo } from '../support/answers.js';
import { MINUTE } from '../support/deployment.js';
import { addPasskey, present, setUpApp } from '../support/factors.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { linkTo, mailsTo } from '../support/mailbox.js';
import { PASSWORD, type World } from '../support/world.js';
import { scopeDescriptions } from '../../apps/server/pages/scope-descriptions.js';
import { AccountApiWorld } from './account-api-world.js';

jest.setTimeout(60_000);

const PAGE = '/account/data';
const A_DAY = 86_400_000;

describe('the data of an account, and its end', () => {
  let api: AccountApiWorld;
  let world: World;
  let people = 0;
  beforeAll(async () => {
    api = await AccountApiWorld.start({ env: { CORE_AUTH_DELETION_GRACE_DAYS: '3' } });
    world = api.world;
  });
  afterAll(() => api.stop());

  const query = <Row>(statement: ReturnType<typeof sql>) => world.app.get(Database).query<Row>(statement);
  const someone = async (memberships: Parameters<World['createPerson']>[2] = { acme: 'member' }) => {
    const email = `leaving-${(people += 1)}@self.example`;
    await world.createPerson(email, 'Mira Delgado', memberships);
    return { email, browser: await world.signIn(email) };
  };
  const deletionAt = async (email: string) => {
    const [row] = await query<{ at: Date | null }>(
      sql`SELECT deletion_at AS at FROM users WHERE email = ${email}`,
    );
    return row?.at ?? null;
  };
  const ask = (browser: HttpBrowser, confirmation: string) =>
    browser.submit(PAGE, `${PAGE}/deletion`, { confirmation });
  const keep = (browser: HttpBrowser) => browser.submit(PAGE, `${PAGE}/deletion/undo`, {});
  const exported = async (browser: HttpBrowser): Promise<PersonExport> => {
    const response = await browser.get(`${PAGE}/export`);
    expect(response.status).toBe(200);
    return (await response.json()) as PersonExport;
  };

  describe('taken along', () => {
    it('is one file that the browser saves, with everything that the person did and has', async () => {
      const { email, browser } = await someone({ acme: 'member', globex: 'billing' });
      await world.browser().submit('/sign-in', '/sign-in', { email, password: 'wrong' });
      await setUpApp(world, browser);
      await addPasskey(browser, world.url, 'Old telephone');
      await browser.submit('/choose-organization', '/choose-organization', {
        organization_id: world.id('acme'),
      });
      await world.exchange(world.client('projects'), await world.code(world.client('projects'), browser));
      const response = await browser.get(`${PAGE}/export`);
      expect(response.headers.get('content-disposition')).toBe('attachment; filename="account.json"');
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(response.headers.get('cache-control')).toContain('no-store');
      const text = await response.text();
      expect(JSON.parse(text)).toMatchObject({
        account: { id: world.id(email), email, name: 'Mira Delgado', has_password: true, deletion_at: null },
        organizations: [
          { key: 'acme', name: 'Acme Corporation', role: 'member', custom_role: null },
          { key: 'globex', name: 'Globex', role: 'billing' },
        ],
        authenticator_app: { created_at: expect.stringMatching(/Z$/) },
        passkeys: [{ name: 'Old telephone' }],
        recovery_codes: Array(10).fill({ created_at: expect.stringMatching(/Z$/), used_at: null }),
        sessions: [
          {
            methods: expect.arrayContaining(['pwd']),
            organization: 'acme',
            ended_at: null,
            user_agent: expect.any(String),
            address: expect.any(String),
          },
        ],
        devices: [{ first_seen_at: expect.stringMatching(/Z$/), second_factor_remembered_until: null }],
        failed_sign_ins: expect.any(Array),
        applications: [{ client_id: 'projects', organization: 'acme', state: 'active' }],
      });
      const { audit } = JSON.parse(text) as PersonExport;
      expect(audit[0]).toMatchObject({
        act: 'user.export',
        by_you: true,
        target: 'you',
        factor: 'pwd otp hwk mfa',
      });
      expect(audit.map(({ act }) => act)).toEqual(expect.arrayContaining(['user.create', 'factor.add']));
    });

    it('has no secret, and nothing of who did something to the person', async () => {
      const { email, browser } = await someone();
      const { recoveryCodes } = await setUpApp(world, browser);
      await query(sql`
        INSERT INTO audit_events (act, actor, target, address, factor)
        VALUES ('membership.change-role', ${world.id('owner@acme.example')}, ${world.id(email)}, '198.51.100.77', 'pwd')`);
      const text = JSON.stringify(await exported(browser));
      const [row] = await query<{ secrets: string[] }>(sql`
        SELECT ARRAY[u.password_hash, t.secret_envelope, encode(s.secret_sha256, 'hex'), encode(d.secret_sha256, 'hex')]
               AS secrets
          FROM users u JOIN totp_factors t ON t.user_id = u.id JOIN sessions s ON s.user_id = u.id
          JOIN known_devices d ON d.user_id = u.id WHERE u.email = ${email}`);
      for (const secret of [...(row?.secrets ?? []), ...recoveryCodes, '198.51.100.77']) {
        expect([secret, text.includes(secret)]).toEqual([secret, false]);
      }
      expect(text).not.toContain(world.id('owner@acme.example'));
      expect(text).not.toMatch(/sha256|password_hash|envelope|public_key/);
      expect(text).toContain('"membership.change-role","result":"success","by_you":false');
    });

    it('is thought of again when another table refers to people: those that keep something for minutes are left out', async () => {
      const tables = await query<{ table: string }>(sql`
        SELECT DISTINCT conrelid::regclass::text AS table FROM pg_constraint
         WHERE contype = 'f' AND confrelid = 'users'::regclass ORDER BY 1`);
      expect(tables.map(({ table }) => table)).toEqual([
        ...['authorizations', 'consents', 'known_devices', 'memberships', 'one_time_tokens', 'organizations'],
        ...['passkeys', 'pending_sign_ins', 'recovery_codes', 'seat_assignments', 'seat_leases'],
        ...['second_factor_failures', 'sessions', 'totp_factors', 'usage_events', 'webauthn_challenges'],
      ]);
    });

    it('asks for a recent sign-in, by the second factor of who has one', async () => {
      const { browser } = await someone();
      world.clock.advance(15 * MINUTE);
      expect(pathTo(await browser.get(`${PAGE}/export`))).toMatch(/^\/(sign-in|step-up|account\/step-up)/);
      // the page itself is seen all the same
      expect((await browser.get(PAGE)).status).toBe(200);
    });
  });

  describe('deletion', () => {
    it('is asked for by the address, told by mail with a link to the page that undoes it, and undone', async () => {
      const { email, browser } = await someone();
      const other = await world.signIn(email);
      expect(pathTo(await ask(browser, ` ${email.toUpperCase()} `))).toBe(PAGE);
      const at = new Date(world.clock.now().getTime() + 3 * A_DAY);
      expect((await deletionAt(email))?.getTime()).toBeCloseTo(at.getTime(), -4);
      expect((await mailsTo(world, email))[0]?.subject).toBe('Your account will be deleted');
      const path = (await linkTo(world, email)) ?? '';
      expect(path).toBe(PAGE);
      // every session goes on: one of them may have to undo it
      const page = await (await other.get(path)).text();
      expect(page).toContain('Your account will be deleted');
      expect(page).not.toContain('Delete my account');
      expect(await (await other.get('/account')).text()).toContain('Your account will be deleted');
      expect(pathTo(await keep(other))).toBe(`${PAGE}?done=kept`);
      expect(await (await other.get(`${PAGE}?done=kept`)).text()).toContain('Your account is kept.');
      expect(await deletionAt(email)).toBeNull();
      const again = await browser.post(`${PAGE}/deletion/undo`, { csrf_token: 'none' });
      expect(again.status).toBe(403);
      world.clock.advance(4 * A_DAY);
      await world.app.get(AccountRemovalRepository).sweep(100);
      expect((await world.signIn(email)).cookieNames).not.toEqual([]);
    });

    it.each([
      [
        'another address',
        { confirmation: 'somebody@else.example' },
        400,
        'to confirm that you mean this account',
      ],
      ['nothing', { confirmation: '' }, 400, 'to confirm that you mean this account'],
      ['a forged form', { csrf_token: 'a.b' }, 403, 'open for too long'],
    ])('with %s nothing happens, and the page says why', async (_, fields, status, sentence) => {
      const { email, browser } = await someone();
      const answer = await browser.submit(PAGE, `${PAGE}/deletion`, {
        confirmation: email,
        ...fields,
        ...(status === 400 && !('confirmation' in fields) ? { confirmation: '' } : {}),
      });
      expect(answer.status).toBe(status);
      expect(await answer.text()).toContain(sentence);
      expect(await deletionAt(email)).toBeNull();
      expect((await mailsTo(world, email)).map(({ subject }) => subject)).not.toContain(
        'Your account will be deleted',
      );
    });

    it('names the organizations that would be left without an owner', async () => {
      await world.createOrganization('orphan', 'Orphan & Sons');
      const { email, browser } = await someone({ orphan: 'owner' });
      const answer = await ask(browser, email);
      expect(answer.status).toBe(409);
      expect(await answer.text()).toContain('You are the only owner of Orphan &amp; Sons.');
      expect(await deletionAt(email)).toBeNull();
    });

    it('needs a sign-in of the last quarter of an hour with the second factor; undoing it does not', async () => {
      const { email, browser } = await someone();
      const { app } = await setUpApp(world, browser);
      world.clock.advance(15 * MINUTE);
      expect(pathTo(await ask(browser, email))).not.toBe(PAGE);
      expect(await deletionAt(email)).toBeNull();
      await browser.submit('/sign-in', '/sign-in', { email, password: PASSWORD });
      await present(browser, { method: 'totp', code: app.freshCode() });
      expect(pathTo(await ask(browser, email))).toBe(PAGE);
      world.clock.advance(15 * MINUTE);
      expect(pathTo(await keep(browser))).toBe(`${PAGE}?done=kept`);
    });

    it('is undone by who owes an organization a second factor, too', async () => {
      await world.createOrganization('strict', 'Strict');
      const { email, browser } = await someone({ strict: 'member' });
      await ask(browser, email);
      await world.app
        .get(SecondFactorRuleRepository)
        .set(world.id('strict'), true, { id: 'test', address: null, factor: null });
      expect(pathTo(await keep(browser))).toBe(`${PAGE}?done=kept`);
    });

    it('comes before the organization is kept whose only owner asked for both, and the page says so', async () => {
      await world.createOrganization('both', 'Both');
      const { email, browser } = await someone({ both: 'owner' });
      const settings = '/organization/settings';
      await browser.submit(settings, '/organization/deletion', { confirmation: 'both' });
      expect(pathTo(await ask(browser, email))).toBe(PAGE);
      const undo = () => browser.submit(settings, '/organization/deletion/undo', {});
      const refused = await undo();
      expect(refused.status).toBe(409);
      expect(await refused.text()).toContain('Keep your account first, then the organization.');
      await keep(browser);
      expect(pathTo(await undo())).toBe(`${settings}?done=kept`);
    });

    it('while it is due, organizations can be neither created nor taken over', async () => {
      const { email, browser } = await someone();
      await ask(browser, email);
      const answer = await browser.submit('/organization/new', '/organization/new', { name: 'Too late' });
      expect(answer.status).toBe(409);
      expect(await answer.text()).toContain('Your account is about to be deleted.');
    });

    it('afterwards nobody signs in any more, and the account is gone', async () => {
      const { email, browser } = await someone();
      await ask(browser, email);
      world.clock.advance(3 * A_DAY + 1000);
      const sweep = () => world.app.get(AccountRemovalRepository).sweep(100);
      await sweep();
      expect(pathTo(await browser.get(PAGE))).toMatch(/^\/sign-in/);
      await expect(world.signIn(email)).rejects.toThrow('401');
      world.clock.advance(3_600_001);
      await sweep();
      expect(await query(sql`SELECT FROM users WHERE email = ${email}`)).toEqual([]);
    });
  });

  describe('by HTTP', () => {
    it('the same data, the same end, and the same way back', async () => {
      const { email, token } = await api.person();
      const data = await api.call('GET', '/export', token);
      expect(data).toMatchObject({ status: 200, body: { account: { email }, audit: expect.any(Array) } });
      expect(data.headers.get('cache-control')).toContain('no-store');
      // with the application that took it
      expect((data.body['audit'] as object[])[0]).toMatchObject({
        act: 'user.export',
        by_you: true,
        client_id: 'assistant',
      });
      const asked = await api.call('POST', '/deletion', token);
      expect(asked).toMatchObject({ status: 202, body: { deletion_at: expect.stringMatching(/Z$/) } });
      expect((await api.call('POST', '/deletion', token)).body).toEqual(asked.body);
      expect((await api.call('GET', '', token)).body).toMatchObject(asked.body);
      expect((await api.call('DELETE', '/deletion', token)).status).toBe(204);
      expect((await api.call('GET', '', token)).body).toMatchObject({ deletion_at: null });
      expect(await api.call('DELETE', '/deletion', token)).toMatchObject({
        status: 409,
        body: { code: 'no_deletion', detail: expect.stringMatching(/\.$/) },
      });
    });

    it('needs the scope whose consent text names both; to read and to write the account is not enough', async () => {
      const { id, token } = await api.person('openid account:read account:write');
      const before = await api.stateOf(id);
      for (const [method, path] of [
        ['GET', '/export'],
        ['POST', '/deletion'],
        ['DELETE', '/deletion'],
      ] as const) {
        const { status, body } = await api.call(method, path, token);
        expect([method, path, status, body['code']]).toEqual([method, path, 403, 'insufficient_scope']);
      }
      expect(await api.stateOf(id)).toEqual(before);
      const consent = scopeDescriptions('account:security')[0]?.summary;
      expect(consent).toMatch(/take out all of your data, and delete your account$/);
    });

    it('is refused to the last owner, and undone by a token of long ago', async () => {
      await world.createOrganization('lonely', 'Lonely');
      const { id, token } = await api.person();
      await world.accounts.addMember(
        { userId: id, organizationId: world.id('lonely'), role: 'owner' },
        'test',
      );
      expect(await api.call('POST', '/deletion', token)).toMatchObject({
        status: 409,
        body: { code: 'last_owner', detail: expect.stringContaining('Lonely') },
      });
      const { token: other, browser } = await api.person();
      await api.call('POST', '/deletion', other);
      world.clock.advance(15 * MINUTE);
      const { token: old } = await api.tokens(browser);
      expect((await api.call('POST', '/deletion', old)).status).toBe(401);
      expect((await api.call('DELETE', '/deletion', old)).status).toBe(204);
    });
  });

  it('a role that the organization made is shown by its own name', async () => {
    const { id, browser, token } = await api.person();
    const owner = { id: world.id('owner@acme.example'), address: null, factor: null };
    const roleId = await world.app
      .get(RoleRepository)
      .create(world.id('acme'), { name: 'Archivist', permissions: [] }, owner);
    await query(sql`UPDATE memberships SET custom_role_id = ${roleId} WHERE user_id = ${id}`);
    expect(await (await browser.get('/account')).text()).toContain('Archivist');
    expect((await api.call('GET', '', token)).body['organizations']).toEqual([
      {
        id: world.id('acme'),
        key: 'acme',
        name: 'Acme Corporation',
        role: 'member',
        custom_role: { key: 'archivist', name: 'Archivist' },
      },
    ]);
    expect((await exported(browser)).organizations).toMatchObject([{ custom_role: 'Archivist' }]);
  });
});
