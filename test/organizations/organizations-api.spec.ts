import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { CatalogRepository } from '#licensing';
import { Database, MailSealer, sql } from '#platform';
import { linkTo } from '../support/mailbox.js';
import type { Answer } from '../support/world.js';
import { ApiWorld } from './api-world.js';

jest.setTimeout(60_000);

const OWNER = 'owner@acme.example';
const ADMIN = 'admin@acme.example';
/** In place of anything, good nowhere. */
const BAD = ['a\u0000b', '\ud800', 'x'.repeat(2000), {}, [[]], [7], -1, 1.5, 1e300];

describe('the API of organizations', () => {
  let api: ApiWorld;

  beforeAll(async () => {
    api = await ApiWorld.start();
  });
  afterAll(() => api.stop());

  const as = async (email: string, method: string, path: string, body?: unknown): Promise<Answer> =>
    api.call(method, path, await api.tokenOf(email), body);
  const audited = (act: string) =>
    api.world.app.get(Database).query<Record<string, unknown>>(sql`
      SELECT actor, factor, client_id, address IS NOT NULL AS addressed, target, detail FROM audit_events
       WHERE act = ${act} ORDER BY id DESC LIMIT 1`);
  const roleOf = async (email: string) => {
    const { body } = await as(OWNER, 'GET', `/people?search=${encodeURIComponent(email)}`);
    return (body['people'] as { role: string; custom_role: { name: string } | null }[])[0];
  };

  it('creates an organization for who asks, and lists the one that a token is for with the role there', async () => {
    const created = await as(OWNER, 'POST', '/v1/organizations', { name: 'Café Müller' });
    const id = String(created.body['id']);
    expect([created.status, created.body]).toEqual([201, { id, key: 'cafe-muller', name: 'Café Müller' }]);
    expect(created.headers.get('location')).toBe(`/v1/organizations/${id}`);
    const { body } = await as(OWNER, 'GET', '/v1/organizations');
    expect(body['organizations']).toEqual([
      {
        ...{ id: api.world.id('acme'), key: 'acme', name: 'Acme Corporation' },
        ...{ role: 'owner', custom_role: null, suspended_at: null },
      },
    ]);
    const other = await api.call('GET', '/v1/organizations', await api.freshToken(OWNER, undefined, id));
    expect(other.body['organizations']).toMatchObject([{ id, key: 'cafe-muller', role: 'owner' }]);
    // the token is of the other one
    expect((await as(OWNER, 'GET', `/v1/organizations/${id}`)).status).toBe(404);
    const taken = await as(OWNER, 'POST', '/v1/organizations', { name: 'New', key: 'acme' });
    expect([taken.status, taken.body['code']]).toEqual([409, 'organization_key_taken']);
  });

  it('tells what it is and who runs it, and renames it', async () => {
    const { body, headers } = await as('member@acme.example', 'GET', '');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      id: api.world.id('acme'),
      key: 'acme',
      role: 'member',
      deletion_at: null,
      people: { owner: 1, administrator: 1, billing: 1, member: 3 },
      contacts: [{ email: OWNER, role: 'owner' }, { email: ADMIN }],
    });
    expect((await as(ADMIN, 'PUT', '/name', { name: ' Acme  Inc ', key: 'acme-inc' })).status).toBe(204);
    expect((await as(ADMIN, 'GET', '')).body).toMatchObject({ name: 'Acme Inc', key: 'acme-inc' });
    expect(await audited('organization.rename')).toMatchObject([
      {
        actor: api.world.id(ADMIN),
        factor: 'pwd',
        client_id: 'assistant',
        addressed: true,
        target: api.world.id('acme'),
      },
    ]);
    await as(ADMIN, 'PUT', '/name', { name: 'Acme Corporation', key: 'acme' });
  });

  it('lists people in pages, finds them by a part of name or address, and ends on the last page', async () => {
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const after: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await as(ADMIN, 'GET', `/people?limit=2${after}`);
      const page = body['people'] as { email: string; name: string }[];
      expect(page.length).toBeLessThanOrEqual(2);
      found.push(...page.map(({ name }) => name));
      cursor = body['next_cursor'] as string | null;
    } while (cursor !== null);
    expect(found).toEqual(found.toSorted());
    expect(new Set(found).size).toBe(6);
    const { body } = await as(ADMIN, 'GET', '/people?search=ARCHIV');
    expect(body['people']).toMatchObject([
      {
        email: 'archivist@acme.example',
        role: 'member',
        custom_role: { name: 'Archivist' },
        disabled_at: null,
        second_factor: false,
      },
    ]);
  });

  it('gives roles, and holds to what one may give oneself', async () => {
    const billing = `/people/${api.world.id('billing@acme.example')}`;
    expect((await as(ADMIN, 'PUT', `${billing}/role`, { role: 'administrator' })).status).toBe(204);
    expect(await roleOf('billing@')).toMatchObject({ role: 'administrator' });
    for (const [who, person, role, status, code] of [
      [ADMIN, billing, 'owner', 403, 'beyond_authority'],
      [ADMIN, `/people/${api.world.id(OWNER)}`, 'member', 403, 'beyond_authority'],
      [OWNER, `/people/${api.world.id(OWNER)}`, 'member', 409, 'last_owner'],
      [OWNER, `/people/${api.world.id('admin@globex.example')}`, 'member', 404, 'unknown_member'],
      [OWNER, '/people/somebody', 'member', 404, 'unknown_member'],
    ] as const) {
      const answer = await as(who, 'PUT', `${person}/role`, { role });
      expect([person, answer.status, answer.body['code']]).toEqual([person, status, code]);
    }
    const custom = { role: 'owner', custom_role_id: randomUUID() };
    expect((await as(OWNER, 'PUT', `${billing}/role`, custom)).status).toBe(400);
    expect((await as(OWNER, 'PUT', `${billing}/role`, { ...custom, role: 'member' })).body['code']).toBe(
      'unknown_role',
    );
    await as(OWNER, 'PUT', `${billing}/role`, { role: 'billing' });
  });

  it('makes roles of permissions that one has, changes and deletes them', async () => {
    const permission = { moduleKey: 'projects', role: 'owner', permissions: ['archive'] } as const;
    await api.world.app.get(CatalogRepository).setPermissions(permission, 'test');
    const { body } = await as(OWNER, 'GET', '/roles');
    expect(body['permissions']).toContain('projects:archive');
    const draft = { name: 'Keeper', permissions: ['projects:archive'] };
    expect((await as(ADMIN, 'POST', '/roles', draft)).body['code']).toBe('beyond_authority');
    const made = await as(OWNER, 'POST', '/roles', draft);
    expect(made.status).toBe(201);
    const role = `/roles/${String(made.body['id'])}`;
    expect((await as(OWNER, 'POST', '/roles', draft)).body['code']).toBe('role_taken');
    expect((await as(OWNER, 'PUT', role, { ...draft, name: 'Guardian' })).status).toBe(204);
    const listed = (await as(OWNER, 'GET', '/roles')).body['roles'] as unknown[];
    expect(listed).toContainEqual({
      id: made.body['id'],
      key: 'keeper',
      name: 'Guardian',
      permissions: ['projects:archive'],
      holders: 0,
    });
    expect((await as(ADMIN, 'DELETE', role)).status).toBe(204);
    expect((await as(ADMIN, 'DELETE', role)).body['code']).toBe('unknown_role');
  });

  it('invites by mail, with a seat, sends again under another id, and withdraws', async () => {
    const licenseId = await api.world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
    const wish = { email: 'Newcomer@new.example', role: 'member', license_id: licenseId };
    const sent = await as(ADMIN, 'POST', '/invitations', wish);
    expect([sent.status, sent.body]).toEqual([
      201,
      { id: expect.any(String), expires_at: expect.stringMatching(/Z$/) },
    ]);
    const full = await as(ADMIN, 'POST', '/invitations', { ...wish, email: 'another@new.example' });
    expect([full.status, full.body['code']]).toEqual([403, 'SEATS_EXHAUSTED']);
    const again = await as(ADMIN, 'POST', '/invitations', { ...wish, license_id: null });
    expect([again.status, again.body['code']]).toEqual([409, 'already_invited']);
    const resent = await as(ADMIN, 'POST', `/invitations/${String(sent.body['id'])}/resend`);
    expect([resent.status, resent.body['id'] === sent.body['id']]).toEqual([200, false]);
    expect((await as(ADMIN, 'POST', `/invitations/${String(sent.body['id'])}/resend`)).status).toBe(404);
    const { body } = await as(ADMIN, 'GET', '/invitations');
    expect(body).toMatchObject({
      invitations: [
        { id: resent.body['id'], email: 'newcomer@new.example', license_id: licenseId, mails_sent: 2 },
      ],
      next_cursor: null,
    });
    const rows = await api.world.app
      .get(Database)
      .query<{ id: string; envelope: string }>(sql`SELECT id, mail_envelope AS envelope FROM mails`);
    const letters = rows.map((row) => api.world.app.get(MailSealer).open(row));
    expect(letters.filter(({ to }) => to === 'newcomer@new.example')).toHaveLength(2);
    const foreign = { ...wish, email: 'x@new.example', license_id: api.world.id('license:globex:projects') };
    expect((await as(ADMIN, 'POST', '/invitations', foreign)).status).toBe(404);
    expect((await as(ADMIN, 'DELETE', `/invitations/${String(resent.body['id'])}`)).status).toBe(204);
    expect((await as(ADMIN, 'GET', '/invitations')).body['invitations']).toEqual([]);
    expect(
      (await as(ADMIN, 'POST', '/invitations', { email: 'a@b.example', role: 'owner' })).body['code'],
    ).toBe('beyond_authority');
    expect((await as(ADMIN, 'POST', '/invitations', { email: 'nobody', role: 'member' })).body['code']).toBe(
      'invalid_email',
    );
    expect((await as(ADMIN, 'POST', '/invitations', { email: OWNER, role: 'member' })).body['code']).toBe(
      'already_member',
    );
  });

  it('accepts an invitation with its seat, as the invited address alone, and once; the token stays of the other organization', async () => {
    const { world } = api;
    const email = 'joiner@globex.example';
    const userId = await world.createPerson(email, 'Jo Joiner', { globex: 'member' });
    const licenseId = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
    await as(ADMIN, 'POST', '/invitations', { email, role: 'billing', license_id: licenseId });
    const link = new URL((await linkTo(world, email)) ?? '', world.url);
    const token = link.searchParams.get('token');
    const accept = (who: string) => as(who, 'POST', '/v1/invitations/accept', { token });
    const other = await accept('admin@globex.example');
    expect([other.status, other.body['code']]).toEqual([403, 'other_address']);
    const accepted = await accept(email);
    expect([accepted.status, accepted.body]).toEqual([
      200,
      { organization_id: world.id('acme'), seat_missed: false },
    ]);
    expect(await audited('invitation.accept')).toMatchObject([
      { actor: userId, factor: 'pwd', client_id: 'assistant', addressed: true, detail: { joined: true } },
    ]);
    const again = await accept(email);
    expect([again.status, again.body['code']]).toEqual([404, 'invalid_invitation']);
    const { body } = await as(email, 'GET', '/v1/organizations');
    expect(body['organizations']).toMatchObject([{ key: 'globex', role: 'member' }]);
    const [{ role } = { role: '' }] = await world.app.get(Database).query<{ role: string }>(sql`
      SELECT role FROM memberships WHERE user_id = ${userId} AND organization_id = ${world.id('acme')}`);
    expect(role).toBe('billing');
    expect((await as(email, 'GET', '')).status).toBe(404);
    expect((await as(email, 'GET', `/v1/organizations/${world.id('globex')}`)).status).toBe(200);
    const [seat] = await world.app.get(Database).query(sql`
      SELECT FROM seat_assignments WHERE license_id = ${licenseId} AND user_id = ${userId}`);
    expect(seat).toBeDefined();
    await as(ADMIN, 'DELETE', `/people/${userId}`);
  });

  it('lists invitations in pages, the latest first', async () => {
    for (const name of ['one', 'two', 'three']) {
      await as(ADMIN, 'POST', '/invitations', { email: `${name}@page.example`, role: 'member' });
      api.world.clock.advance(1000);
    }
    const first = (await as(ADMIN, 'GET', '/invitations?limit=2')).body;
    expect(first['invitations']).toMatchObject([
      { email: 'three@page.example' },
      { email: 'two@page.example' },
    ]);
    const second = (await as(ADMIN, 'GET', `/invitations?limit=2&cursor=${String(first['next_cursor'])}`))
      .body;
    expect(second).toMatchObject({ invitations: [{ email: 'one@page.example' }], next_cursor: null });
  });

  it('says of a member that is missing what it must be, not how long', async () => {
    for (const [method, path, body, sentence] of [
      ['POST', '/invitations', { role: 'member' }, 'email must be a string.'],
      ['PUT', '/name', { name: 'x' }, 'key must be a string.'],
      ['POST', '/roles', { name: 'R', permissions: 'x' }, 'permissions must be an array.'],
    ] as const) {
      const answer = await as(ADMIN, method, path, body);
      expect([answer.status, answer.body['detail']]).toEqual([400, sentence]);
    }
  });

  it('sets the rule for second factors and the limits of sessions', async () => {
    const refused = await as(ADMIN, 'PUT', '/security/second-factor', { required: true });
    expect([refused.status, refused.body['code']]).toEqual([409, 'second_factor_first']);
    expect((await as(ADMIN, 'PUT', '/security/second-factor', { required: false })).status).toBe(204);
    const limit = (idle: number | null, absolute: number | null) =>
      as(ADMIN, 'PUT', '/security/session-limits', { idle_seconds: idle, absolute_seconds: absolute });
    expect((await limit(600, null)).status).toBe(204);
    for (const body of [{}, { idle_seconds: 300 }, { absolute_seconds: null }]) {
      const { status, body: problem } = await as(ADMIN, 'PUT', '/security/session-limits', body);
      expect([status, problem['detail']]).toEqual([
        400,
        expect.stringContaining('must be an integer number'),
      ]);
    }
    expect((await as(ADMIN, 'GET', '/security')).body).toEqual({
      second_factor: { required: false, people: 6, without: 6 },
      session_limits: { idle_seconds: 600, absolute_seconds: null },
    });
    const long = await limit(null, 864_000);
    expect([long.status, long.body['code']]).toEqual([400, 'invalid_session_limits']);
    const odd = await limit(601, null);
    expect([odd.status, odd.body['code']]).toEqual([400, 'invalid_request']);
    await limit(null, null);
    expect(await audited('organization.limit-sessions')).toMatchObject([
      { detail: { idle_seconds: null, absolute_seconds: null } },
    ]);
  });

  it('hands the ownership over, after which the one before is an administrator', async () => {
    const { world } = api;
    await world.createPerson('heir@acme.example', 'Hella Heir', { acme: 'member' });
    await world.createPerson('giver@acme.example', 'Gil Giver', { acme: 'owner' });
    const token = await api.freshToken('giver@acme.example');
    const heir = `/people/${world.id('heir@acme.example')}`;
    expect((await api.call('POST', `${heir}/transfer`, token)).status).toBe(204);
    expect([await roleOf('heir@'), await roleOf('giver@')]).toMatchObject([
      { role: 'owner' },
      { role: 'administrator' },
    ]);
    expect((await api.call('POST', `${heir}/transfer`, token)).status).toBe(403);
    expect((await as(OWNER, 'DELETE', heir)).status).toBe(204);
    expect((await as(OWNER, 'DELETE', heir)).body['code']).toBe('unknown_member');
    expect((await as(OWNER, 'DELETE', `/people/${world.id('giver@acme.example')}`)).status).toBe(204);
  });

  it('exports what the page exports, asks for the deletion once, and undoes it', async () => {
    const { status, body } = await as(OWNER, 'GET', '/export');
    expect([status, Object.keys(body).sort()]).toEqual([
      200,
      ['invitations', 'licenses', 'members', 'organization', 'roles'],
    ]);
    expect(body['organization']).toMatchObject({ key: 'acme', created_at: expect.stringMatching(/Z$/) });
    expect(await audited('organization.export')).toMatchObject([
      { actor: api.world.id(OWNER), addressed: true },
    ]);
    const [first, second] = [await as(OWNER, 'POST', '/deletion'), await as(OWNER, 'POST', '/deletion')];
    expect(second.body).toEqual(first.body);
    expect((await as(OWNER, 'GET', '')).body['deletion_at']).toBe(first.body['deletion_at']);
    expect((await as(OWNER, 'DELETE', '/deletion')).status).toBe(204);
    expect((await as(OWNER, 'DELETE', '/deletion')).body['code']).toBe('no_deletion');
  });

  it('refuses whatever is malformed as the caller’s fault, with a sentence, and changes nothing', async () => {
    const person = `/people/${api.world.id('member@acme.example')}/role`;
    const routes = [
      ['POST', '/v1/organizations', { name: 'New', key: 'new-one' }],
      ['PUT', '/name', { name: 'New', key: 'new-one' }],
      ['PUT', person, { role: 'billing', custom_role_id: null }],
      [
        'POST',
        '/invitations',
        { email: 'x@new.example', role: 'member', custom_role_id: null, license_id: null },
      ],
      ['POST', '/v1/invitations/accept', { token: 'unknown' }],
      ['POST', '/roles', { name: 'New', permissions: [] }],
      ['PUT', '/security/second-factor', { required: true }],
      ['PUT', '/security/session-limits', { idle_seconds: 600, absolute_seconds: 600 }],
    ] as const;
    const before = await api.state();
    for (const [method, path, good] of routes) {
      const bodies: unknown[] = [null, [], 'text', 7, { ...good, surplus: 1 }];
      for (const name of Object.keys(good)) {
        for (const bad of BAD) bodies.push({ ...good, [name]: bad });
      }
      for (const body of bodies) {
        const answer = await as(OWNER, method, path, body);
        const seen = JSON.stringify([method, path, body]).slice(0, 200);
        expect([seen, answer.status >= 400 && answer.status < 500]).toEqual([seen, true]);
        expect(answer.headers.get('content-type')).toContain('application/problem+json');
        expect(String(answer.body['detail'])).toMatch(/\.$/);
      }
    }
    for (const query of [
      'limit=0',
      'limit=1000',
      'cursor=x',
      'search=a%00b',
      'q=a',
      `search=${'x'.repeat(101)}`,
    ]) {
      expect([query, (await as(OWNER, 'GET', `/people?${query}`)).status]).toEqual([query, 400]);
    }
    expect(await api.state()).toEqual(before);
  });
});
