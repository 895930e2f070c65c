import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Database, sql } from '#platform';
import type { Answer } from '../../support/world.js';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

describe('licenses over HTTP', () => {
  let admin: AdministrationWorld;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
  });
  afterAll(() => admin.stop());

  const issuedCount = async () => {
    const [row] = await admin.world.app
      .get(Database)
      .query<{ count: string }>(sql`SELECT count(*) FROM licenses`);
    return Number(row?.count);
  };

  describe('issuing', () => {
    it('answers 201 with the license, its ETag and where it is, and audits who did it', async () => {
      const { status, body, headers } = await admin.issue({ grace_days: 14, time_zone: 'Europe/Berlin' });
      expect([status, headers.get('etag'), headers.get('location')]).toEqual([
        201,
        `"${String(body['version'])}"`,
        `/v1/licenses/${String(body['id'])}`,
      ]);
      expect(body).toMatchObject({
        organization_id: admin.world.id('acme'),
        module: 'reports',
        status: 'issued',
        starts_at: '2026-01-01T00:00:00.000Z',
        ends_at: '2035-12-31T23:00:00.000Z',
        grace_days: 14,
        time_zone: 'Europe/Berlin',
        trial: false,
        terms: [{ plan_version_id: admin.world.id('plan:reports'), seat_model: 'named', seat_limit: 3 }],
      });
      const audited = await admin.world.app.get(Database).query(sql`
        SELECT act, actor FROM audit_events WHERE target = ${String(body['id'])}`);
      expect(audited).toEqual([{ act: 'license.issue', actor: admin.world.id('operator@seller.example') }]);
    });

    it('of ten calls with one Idempotency-Key at once issues one license, which all of them get', async () => {
      const before = await issuedCount();
      const key = randomUUID();
      const answers = await Promise.all(Array.from({ length: 10 }, () => admin.issue({}, key)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 201));
      expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1);
      expect(await issuedCount()).toBe(before + 1);
    });

    it('answers a retry with the license that the first call issued, also after its end', async () => {
      const { ends_at, key, answer: first } = await admin.issuedBeforeItsEnd();
      expect((await admin.issue({ ends_at })).body['code']).toBe('invalid_license');
      const again = await admin.issue({ ends_at }, key);
      expect([again.status, again.body]).toEqual([201, first.body]);
      const other = await admin.issue({ ends_at, seat_limit: 7 }, key);
      expect([other.status, other.body['code']]).toEqual([422, 'idempotency_key_reused']);
    });

    it('answers 422 when the key comes with another body, and issues nothing', async () => {
      const key = randomUUID();
      await admin.issue({}, key);
      const before = await issuedCount();
      for (const changes of [{ seat_limit: 4 }, { organization_id: admin.world.id('globex') }]) {
        const { status, body } = await admin.issue(changes, key);
        expect([status, body['code']]).toEqual([422, 'idempotency_key_reused']);
      }
      expect(await issuedCount()).toBe(before);
    });

    it.each<[string, Record<string, unknown>, number, string]>([
      ['an end before the start', { ends_at: '2025-01-01T00:00:00Z' }, 400, 'invalid_license'],
      ['an end that has passed', { ends_at: '2026-02-01T00:00:00Z' }, 400, 'invalid_license'],
      ['a start without a zone', { starts_at: '2026-01-01T00:00:00' }, 400, 'invalid_request'],
      ['a day that no month has', { starts_at: '2026-02-30T00:00:00Z' }, 400, 'invalid_request'],
      ['a last day that no month has', { ends_at: null, last_day: '2031-02-30' }, 400, 'invalid_license'],
      ['a last day and an end', { last_day: '2031-12-31' }, 400, 'invalid_license'],
      ['a negative count', { seat_limit: -1 }, 400, 'invalid_request'],
      ['a huge count', { seat_limit: 2 ** 53 + 2 }, 400, 'invalid_request'],
      ['a fraction of a seat', { seat_limit: 1.5 }, 400, 'invalid_request'],
      ['a count that is no number', { seat_limit: '3' }, 400, 'invalid_request'],
      ['a limit of unlimited seats', { seat_model: 'unlimited' }, 400, 'invalid_license'],
      ['a negative grace', { grace_days: -1 }, 400, 'invalid_request'],
      ['a time zone that there is not', { time_zone: 'Europe/Nowhere' }, 400, 'invalid_license'],
      ['an offset for a time zone', { time_zone: '+02:00' }, 400, 'invalid_request'],
      ['an unknown plan', { plan_version_id: randomUUID() }, 404, 'unknown_plan_or_organization'],
      ['an unknown organization', { organization_id: randomUUID() }, 404, 'unknown_plan_or_organization'],
      ['a plan of another module', { module: 'projects' }, 404, 'unknown_plan_or_organization'],
      ['a misspelled member', { seat_limits: 3 }, 400, 'invalid_request'],
      ['an id that is none', { organization_id: 'acme' }, 400, 'invalid_request'],
      ['a list for a member', { module: ['reports'] }, 400, 'invalid_request'],
      ['U+0000', { environment: 'pro\0duction' }, 400, 'invalid_request'],
    ])('refuses %s with a reason, and issues nothing', async (_, changes, status, code) => {
      const before = await issuedCount();
      const answer = await admin.issue(changes);
      expect([answer.status, answer.body['code']]).toEqual([status, code]);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(String(answer.body['detail'])).toMatch(/\.$/);
      expect(await issuedCount()).toBe(before);
    });

    it.each<[string, () => Record<string, unknown>, string]>([
      [
        'an unknown organization',
        () => ({ organization_id: randomUUID() }),
        'There is no such organization.',
      ],
      ['an unknown module', () => ({ module: 'rockets' }), 'There is no module "rockets".'],
      ['an unknown plan', () => ({ plan_version_id: randomUUID() }), 'There is no such plan version.'],
      [
        'a plan of another module',
        () => ({ module: 'projects' }),
        'This plan version is one of the module "reports", not of "projects".',
      ],
      [
        'an environment that no module is in',
        () => ({ environment: 'prodution' }),
        'No module is in the environment "prodution", so that nobody could use the license. There are: production.',
      ],
      [
        'a start in the year 9999',
        () => ({ starts_at: '9999-01-01T00:00:00Z' }),
        'starts_at must be an instant with a zone, such as 2027-12-31T23:00:00Z, between the years 2000 and 2999.',
      ],
      [
        'a last day in the year 9999',
        () => ({ ends_at: null, last_day: '9999-12-31' }),
        'The last day is a day of the calendar such as 2027-12-31, between the years 2000 and 2999.',
      ],
    ])('says of %s what is wrong with it', async (_, changes, sentence) => {
      const { body } = await admin.issue(changes());
      expect(body['detail']).toBe(sentence);
    });

    it('refuses a call without a key, and a body that is no JSON object', async () => {
      const bare = await admin.operate('POST', '/v1/licenses', { body: admin.newLicense() });
      expect([bare.status, bare.body['code']]).toEqual([400, 'invalid_request']);
      const headers = { 'idempotency-key': randomUUID() };
      for (const body of [[], null, 'license', 7]) {
        const { status } = await admin.operate('POST', '/v1/licenses', { body, headers });
        expect(status).toBe(400);
      }
      const token = await admin.operator;
      for (const [type, body] of [
        ['application/json', '{"seat_limit": NaN}'],
        ['application/json', '{"__proto__": {"module": "reports"}}'],
        ['application/x-www-form-urlencoded', 'module=reports'],
      ] as const) {
        const response = await fetch(`${admin.world.url}/v1/licenses`, {
          method: 'POST',
          headers: { ...headers, authorization: `Bearer ${token}`, 'content-type': type },
          body,
        });
        expect(response.status).toBe(400);
      }
    });
  });

  describe('reading', () => {
    it('RFC 9110 §13.1.2: answers 304 while the license is the same, and anew after a change', async () => {
      const id = await admin.issued();
      const first = await admin.operate('GET', `/v1/licenses/${id}`);
      const tag = first.headers.get('etag') ?? '';
      const again = { headers: { 'if-none-match': tag } };
      expect((await admin.operate('GET', `/v1/licenses/${id}`, again)).status).toBe(304);
      await admin.operate('POST', `/v1/licenses/${id}/status`, {
        body: { status: 'suspended' },
        headers: { 'if-match': tag },
      });
      const changed = await admin.operate('GET', `/v1/licenses/${id}`, again);
      expect([changed.status, changed.body['status']]).toEqual([200, 'suspended']);
    });

    it('RFC 9110 §13.1.2: never answers 304 for a body that is another by now, whoever takes a seat', async () => {
      const id = await admin.issued();
      const first = await admin.operate('GET', `/v1/licenses/${id}`);
      const tag = first.headers.get('etag') ?? '';
      const seat = `/v1/licenses/${id}/seats/${admin.world.id('member@acme.example')}`;
      expect((await admin.operate('PUT', seat)).status).toBe(200);
      const plain = await admin.operate('GET', `/v1/licenses/${id}`);
      const conditional = await admin.operate('GET', `/v1/licenses/${id}`, {
        headers: { 'if-none-match': tag },
      });
      expect([conditional.status, plain.headers.get('etag'), plain.body]).toEqual([304, tag, first.body]);
      const { body } = await admin.operate('GET', `/v1/licenses/${id}/seats`);
      expect(body).toMatchObject({ named_seats_in_use: 1, seats: [{ email: 'member@acme.example' }] });
      const list = await admin.operate('GET', '/v1/licenses');
      expect(list.body['licenses']).toContainEqual({ ...first.body, named_seats_in_use: 1 });
    });

    it('lists by organization, module, status and end, in pages that miss nothing', async () => {
      const globex = admin.world.id('globex');
      const issue = (changes: object) => admin.issued({ organization_id: globex, ...changes });
      const soon = await issue({ ends_at: '2030-06-01T00:00:00Z' });
      await issue({ ends_at: null, seat_model: 'unlimited', seat_limit: null });
      await issue({ draft: true });
      const ids = async (query: string) => {
        const found: unknown[] = [];
        for (let cursor: string | null = ''; cursor !== null;) {
          // whatever it is called meanwhile
          await admin.world.app.get(Database).query(sql`
            UPDATE organizations SET name = ${`${found.length} of Globex`} WHERE id = ${globex}`);
          const more = cursor === '' ? '' : `&cursor=${cursor}`;
          const { body }: Answer = await admin.operate('GET', `/v1/licenses?limit=1&${query}${more}`);
          found.push(...(body['licenses'] as { id: string }[]).map(({ id }) => id));
          cursor = body['next_cursor'] as string | null;
        }
        return found;
      };
      const of = `organization_id=${globex}&module=reports`;
      const all = await ids(of);
      expect([all.length, new Set(all).size]).toEqual([3, 3]);
      expect(await ids(`${of}&status=draft`)).toHaveLength(1);
      expect(await ids(`${of}&ending_before=2031-01-01T00:00:00Z`)).toEqual([soon]);
    });

    it.each([
      'limit=0',
      'limit=101',
      'limit=1e2',
      'cursor=x',
      'status=active',
      'ending_before=2031-01-01',
      'organisation_id=x',
    ])('refuses the list with %s', async (query) => {
      const { status, body } = await admin.operate('GET', `/v1/licenses?${query}`);
      expect([status, body['code']]).toEqual([400, 'invalid_request']);
    });

    it('answers 404 for an id that is none or nobody has', async () => {
      for (const id of ['x', randomUUID(), 'a%00b', `${randomUUID()}x`]) {
        const { status, body } = await admin.operate('GET', `/v1/licenses/${id}`);
        expect([status, body['code']]).toEqual([404, 'unknown_license']);
      }
    });
  });

  describe('who may know of a license', () => {
    it("an organization's owner reads and lists its own, and another's is as unknown as none", async () => {
      const own = await admin.issued();
      const foreign = await admin.issued({ organization_id: admin.world.id('globex') });
      const token = await admin.owner;
      expect((await admin.call('GET', `/v1/licenses/${own}`, { token })).status).toBe(200);
      const { status, body } = await admin.call('GET', `/v1/licenses/${foreign}`, { token });
      expect([status, body['code']]).toEqual([404, 'unknown_license']);
      const list = await admin.call('GET', '/v1/licenses', { token });
      const owners = (list.body['licenses'] as { organization_id: string }[]).map(
        (one) => one.organization_id,
      );
      expect(new Set(owners)).toEqual(new Set([admin.world.id('acme')]));
      const asked = await admin.call('GET', `/v1/licenses?organization_id=${admin.world.id('globex')}`, {
        token,
      });
      expect([asked.status, asked.body['code']]).toEqual([404, 'unknown_organization']);
    });

    it('a draft is nobody’s yet: its organization sees and seats nothing of it until it is issued', async () => {
      const id = await admin.issued({ draft: true });
      const [token, member] = [await admin.owner, admin.world.id('member@acme.example')];
      const ask = (method: string, path: string, body?: unknown) =>
        admin.call(method, path, { token, body, headers: { 'if-match': '*' } });
      const listed = async () => {
        const { body } = await ask('GET', '/v1/licenses');
        return (body['licenses'] as { id: string }[]).map((license) => license.id);
      };
      const routes: [string, string][] = [
        ['GET', ''],
        ['GET', '/seats'],
        ['GET', '/timeline'],
        ['GET', `/state?at=${new Date().toISOString()}`],
        ['GET', '/terms/scheduled'],
        ['GET', '/leases'],
        ['GET', '/reservations'],
        ['GET', '/offline-grants'],
        ['PUT', `/seats/${member}`],
      ];
      for (const [method, path] of routes) {
        const { status, body } = await ask(method, `/v1/licenses/${id}${path}`);
        expect([path, status, body['code']]).toEqual([path, 404, 'unknown_license']);
      }
      expect(await listed()).not.toContain(id);
      const csv = `email,license\nmember@acme.example,${id}\n`;
      const imported = await ask('POST', '/v1/seat-imports', { module: 'reports', csv });
      expect(imported.body['results']).toMatchObject([{ outcome: 'refused', code: 'unknown_license' }]);
      const seats = await admin.operate('GET', `/v1/licenses/${id}/seats`);
      expect([seats.status, seats.body['seats']]).toEqual([200, []]);
      await admin.operate('POST', `/v1/licenses/${id}/status`, {
        body: { status: 'issued' },
        headers: { 'if-match': '*' },
      });
      expect(await listed()).toContain(id);
      expect((await ask('GET', `/v1/licenses/${id}`)).status).toBe(200);
    });

    it('an operator who is one no longer is refused with the token they had', async () => {
      const { AdministratorRepository } = await import('#accounts');
      const administrators = admin.world.app.get(AdministratorRepository);
      const token = await admin.operator;
      const operator = admin.world.id('operator@seller.example');
      await administrators.setOperator(operator, false, 'test');
      expect((await admin.call('GET', '/v1/licenses', { token })).status).toBe(403);
      await administrators.setOperator(operator, true, 'test');
      expect((await admin.call('GET', '/v1/licenses', { token })).status).toBe(200);
    });

    it('a token without the scope, and no token, are refused as RFC 6750 says', async () => {
      const reader = await admin.tokenOf('operator@seller.example', 'openid licensing:read');
      const refused = await admin.call('POST', '/v1/licenses', { token: reader, body: admin.newLicense() });
      expect([refused.status, refused.body['code']]).toEqual([403, 'insufficient_scope']);
      expect(refused.headers.get('www-authenticate')).toContain('scope="licensing:write"');
      expect((await admin.call('GET', '/v1/licenses')).status).toBe(401);
    });

    it("a machine acts as an operator when it is the suite's own and acts for no organization", async () => {
      const machine = (id: string, changes: object = {}) =>
        admin.world.createClient({
          id,
          grantTypes: ['client_credentials'],
          scopes: ['licensing:read', 'licensing:write'],
          ...changes,
        });
      const billing = await machine('billing-system');
      const token = await admin.machineToken(billing);
      const { status, body } = await admin.call('POST', '/v1/licenses', {
        token,
        body: admin.newLicense(),
        headers: { 'idempotency-key': randomUUID() },
      });
      expect(status).toBe(201);
      const [audited] = await admin.world.app.get(Database).query(sql`
        SELECT actor, client_id, factor FROM audit_events WHERE target = ${String(body['id'])}`);
      expect(audited).toEqual({ actor: 'billing-system', client_id: 'billing-system', factor: null });
      const others = [
        await machine('third-party', { firstParty: false }),
        await machine('registered', { source: 'registration' }),
        await machine('of-acme', { organizationId: admin.world.id('acme') }),
      ];
      for (const client of others) {
        const refused = await admin.call('GET', '/v1/licenses', { token: await admin.machineToken(client) });
        expect([client.id, refused.status]).toEqual([client.id, 403]);
      }
    });
  });
});
