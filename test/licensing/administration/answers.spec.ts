import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { CatalogRepository, SeatLeaseRepository, UsageRepository } from '#licensing';
import { Database, sql } from '#platform';
import { ApiReference } from '../../support/api-reference.js';
import { answerOf, basic, type Answer } from '../../support/world.js';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;

describe('docs/reference/licensing-api.json', () => {
  const reference = new ApiReference('licensing-api.json');
  let admin: AdministrationWorld;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
  });
  afterAll(() => admin.stop());

  const headers = () => ({ 'if-match': '*', 'idempotency-key': randomUUID() });

  /** Calls an operation as an operator, and holds the answer against what the reference says of its status. */
  async function call(
    operation: string,
    {
      path = {},
      query = '',
      body,
    }: { path?: Readonly<Record<string, string>>; query?: string; body?: unknown } = {},
  ): Promise<Answer> {
    const { method, path: address } = reference.addressOf(operation, path);
    const answer = await admin.operate(method, address + query, { body, headers: headers() });
    reference.expectToTell(operation, answer);
    return answer;
  }

  /** Calls an operation as the client of reports, and holds the answer against what the reference says of its status. */
  async function ask(
    operation: string,
    {
      path = {},
      query = '',
      body,
      headers: more = {},
    }: { path?: Readonly<Record<string, string>>; query?: string; body?: unknown; headers?: object } = {},
  ): Promise<Answer> {
    const { method, path: address } = reference.addressOf(operation, path);
    const response = await fetch(admin.world.url + address + query, {
      method,
      headers: {
        authorization: basic(admin.world.client('reports')),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await answerOf(response);
    reference.expectToTell(operation, answer);
    return answer;
  }

  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const member = () => admin.world.id('member@acme.example');

  it('says of licenses, their changes and their past what is answered', async () => {
    const issued = await call('POST /v1/licenses', {
      body: admin.newLicense({ last_day: '2031-12-31', ends_at: null }),
    });
    const path = { id: String(issued.body['id']) };
    await call('GET /v1/licenses/{id}', { path });
    await call('POST /v1/licenses/{id}/status', { path, body: { status: 'suspended' } });
    await call('POST /v1/licenses/{id}/status', { path, body: { status: 'issued' } });
    await call('POST /v1/licenses/{id}/renewals', { path, body: { ends_at: null } });
    const [feature = {}] = (await call('GET /v1/features', { query: '?module=reports' })).body[
      'features'
    ] as Json[];
    const named = { ...path, feature: String(feature['key']) };
    const override = { removed: true, starts_at: inDays(-1) };
    await call('PUT /v1/licenses/{id}/overrides/{feature}', { path: named, body: override });
    await call('POST /v1/licenses/{id}/overrides/{feature}/end', {
      path: named,
      body: { ends_at: inDays(3) },
    });
    await call('DELETE /v1/licenses/{id}/overrides/{feature}', { path: named });
    const effectiveAt = inDays(30);
    await call('POST /v1/licenses/{id}/terms', { path, body: { seat_limit: 9, effective_at: effectiveAt } });
    await call('POST /v1/licenses/{id}/terms', {
      path,
      body: { seat_model: 'unlimited', seat_limit: null, effective_at: inDays(40) },
    });
    await call('GET /v1/licenses/{id}/terms/scheduled', { path });
    await call('DELETE /v1/licenses/{id}/terms/{effectiveAt}', { path: { ...path, effectiveAt } });
    await call('PUT /v1/licenses/{id}/seats/{userId}', { path: { ...path, userId: member() } });
    await call('GET /v1/licenses');
    await call('GET /v1/licenses/{id}/timeline', { path });
    await call('GET /v1/licenses/{id}/timeline', { path, query: '?limit=1' });
    await call('GET /v1/licenses/{id}/state', { path, query: `?at=${inDays(1)}` });
    const globex = { organization_id: admin.world.id('globex'), module: 'reports', days: 30 };
    await call('POST /v1/trials', { body: { ...globex, plan_version_id: admin.world.id('plan:reports') } });
  });

  it('says of seats, of whatever kind, what is answered', async () => {
    const path = { id: await admin.issued({ seat_limit: 4 }) };
    await call('PUT /v1/licenses/{id}/seats/{userId}', { path: { ...path, userId: member() } });
    await call('GET /v1/licenses/{id}/seats', { path });
    await call('DELETE /v1/licenses/{id}/seats/{userId}', { path: { ...path, userId: member() } });
    const csv = `email,license\nmember@acme.example,${path.id}\nnobody@acme.example,\n`;
    for (const dryRun of [true, false]) {
      const body = { organization_id: admin.world.id('acme'), module: 'reports', csv, dry_run: dryRun };
      await call('POST /v1/seat-imports', { body });
    }
    const reservation = { invitation_id: randomUUID(), expires_at: inDays(7) };
    for (let round = 0; round < 2; round += 1) {
      await call('POST /v1/licenses/{id}/reservations', { path, body: reservation });
    }
    await call('GET /v1/licenses/{id}/reservations', { path });
    await call('DELETE /v1/licenses/{id}/reservations/{invitationId}', {
      path: { ...path, invitationId: reservation.invitation_id },
    });
    const file = { instance: 'ship', seat_block: 1, expires_at: inDays(30) };
    const { body } = await call('POST /v1/licenses/{id}/offline-grants', { path, body: file });
    await call('GET /v1/licenses/{id}/offline-grants', { path });
    await call('DELETE /v1/licenses/{id}/offline-grants/{grantId}', {
      path: { ...path, grantId: String((body['grant'] as Json)['id']) },
    });
    await call('GET /v1/licenses/{id}/offline-grants', { path });
    const floating = { id: await admin.issued({ seat_model: 'floating', seat_limit: 1 }) };
    const { fence } = await admin.world.app
      .get(SeatLeaseRepository)
      .acquireLease({ licenseId: floating.id, userId: member(), device: 'a desk' }, 'test');
    await call('GET /v1/licenses/{id}/leases', { path: floating });
    await call('DELETE /v1/licenses/{id}/leases/{fence}', { path: { ...floating, fence: String(fence) } });
  });

  it('says of what is sold, and of what was used, what is answered', async () => {
    const metered = { module: 'reports', key: 'pages', type: 'metered', combine: 'sum', period: 'month' };
    await call('POST /v1/features', { body: metered });
    await call('GET /v1/features', { query: '?module=reports' });
    const plan = { plan: 'reports-paged', name: 'Paged', module: 'reports', features: { pages: 10 } };
    const { body } = await call('POST /v1/plans', { body: plan });
    const id = String(body['id']);
    await call('PUT /v1/plans/{id}/features', { path: { id }, body: { features: { pages: null } } });
    await call('GET /v1/plans');
    await call('GET /v1/plans', { query: '?limit=1' });
    const unlimited = { plan_version_id: id, seat_model: 'unlimited', seat_limit: null };
    const license = { id: await admin.issued(unlimited) };
    await admin.world.app.get(UsageRepository).record({
      ...{ organizationId: admin.world.id('acme'), module: 'reports', feature: 'pages', amount: 2 },
      ...{ userId: null, idempotencyKey: 'answers', clientId: 'reports' },
    });
    const exported = await call('GET /v1/usage/export', {
      query: '?from=2020-01-01T00:00:00Z&to=2040-01-01T00:00:00Z',
    });
    expect(exported.body['usage']).toMatchObject([{ feature: 'pages', used: 2 }]);
    const today = new Date().toISOString().slice(0, 10);
    const query = `?feature=pages&from=${today}&to=${today}`;
    const daily = await call('GET /v1/licenses/{id}/usage', { path: license, query });
    expect(daily.body['present']).toMatchObject({ used: 2, limit: null });
    const seated = { id: await admin.issued({ organization_id: admin.world.id('globex') }) };
    await call('GET /v1/licenses/{id}/usage', { path: seated, query });
  });

  it('says of checks and snapshots, for modules, what is answered', async () => {
    const check = 'POST /v1/licenses/check';
    const organization_id = admin.world.id('acme');
    const good = { organization_id, user_id: null };
    expect((await ask(check, { body: good })).body).toMatchObject({ allow: true });
    const questions = [good, { ...good, feature: 'no-such' }, { organization_id: null }];
    expect((await ask(check, { body: { questions } })).body['answers']).toHaveLength(3);
    const statuses = [];
    for (const body of [
      { ...good, feature: 'no-such' },
      { organization_id: randomUUID() },
      { ...good, module: 'projects' },
      { ...good, amount: -1 },
    ]) {
      statuses.push((await ask(check, { body })).status);
    }
    statuses.push((await ask(check, { body: good, headers: { authorization: 'Basic eDp5' } })).status);
    expect(statuses).toEqual([403, 403, 403, 400, 401]);
    const snapshot = 'GET /v1/licenses/snapshot';
    const read = await ask(snapshot, { query: `?organization_id=${organization_id}` });
    const headers = { 'if-none-match': String(read.headers.get('etag')) };
    const unchanged = await ask(snapshot, { query: `?organization_id=${organization_id}`, headers });
    const unknown = await ask(snapshot, { query: `?organization_id=${randomUUID()}` });
    const nobody = await ask(snapshot);
    expect([read.status, unchanged.status, unknown.status, nobody.status]).toEqual([200, 304, 404, 400]);
  });

  it('says of use, for modules, what is answered', async () => {
    const catalog = admin.world.app.get(CatalogRepository);
    const feature = { moduleKey: 'reports', key: 'prints', type: 'metered', combine: 'sum' } as const;
    await catalog.createFeature(feature, 'test');
    const { id } = await catalog.createPlanVersion(
      { planKey: 'printed', name: 'Printed', moduleKey: 'reports', features: { prints: 5 } },
      'test',
    );
    await admin.issued({ plan_version_id: id, seat_model: 'unlimited', seat_limit: null });
    const organization_id = admin.world.id('acme');
    const tell = (key: string, changes: object = {}) =>
      ask('POST /v1/usage', {
        body: { organization_id, feature: 'prints', amount: 3, ...changes },
        headers: { 'idempotency-key': key },
      });
    const told = [await tell('one'), await tell('one'), await tell('two'), await tell('one', { amount: 2 })];
    expect(told.map(({ status, body }) => [status, body['replayed'] ?? false])).toEqual([
      ...[
        [200, false],
        [200, true],
      ],
      ...[
        [429, false],
        [409, false],
      ],
    ]);
    const wrong = [await tell('three', { feature: 'no-such' }), await tell('four', { amount: 0 })];
    expect(wrong.map(({ status }) => status)).toEqual([404, 400]);
    const query = `?organization_id=${organization_id}&feature=prints`;
    expect((await ask('GET /v1/usage', { query })).body).toMatchObject({ used: 3, limit: 5 });
    expect((await ask('GET /v1/usage', { query: `${query}x` })).status).toBe(404);
  });

  it('says of floating seats, for modules, what is answered', async () => {
    const license_id = await admin.issued({ seat_model: 'floating', seat_limit: 1 });
    const body = { organization_id: admin.world.id('acme'), license_id, user_id: member(), device: 'a desk' };
    const hold = (changes: object = {}) => ask('POST /v1/leases', { body: { ...body, ...changes } });
    const path = { id: String((await hold()).body['id']) };
    const owner = admin.world.id('owner@acme.example');
    const refused = [
      await hold({ user_id: owner }),
      await hold({ license_id: randomUUID() }),
      await hold({ user_id: randomUUID() }),
      await hold({ device: '' }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([403, 404, 409, 400]);
    await ask('POST /v1/leases/{id}/heartbeat', { path });
    expect((await ask('DELETE /v1/leases/{id}', { path })).status).toBe(204);
    expect((await ask('POST /v1/leases/{id}/heartbeat', { path })).status).toBeGreaterThan(399);
  });

  it('says of refusals what is answered', async () => {
    await call('GET /v1/licenses/{id}', { path: { id: randomUUID() } });
    await call('POST /v1/licenses', { body: {} });
    await call('GET /v1/licenses', { query: '?limit=0' });
  });

  it('leaves of each act who did it, by which application, from where, and how they had signed in', async () => {
    const operator = admin.world.id('operator@seller.example');
    const by = await admin.world.app.get(Database).query<{ act: string; traces: string[] }>(sql`
      SELECT act, array_agg(DISTINCT concat_ws(' ', client_id, address, factor)) AS traces FROM audit_events
       WHERE actor = ${operator} AND act ~ '^(license|seat|offline-grant|plan-version|feature)[.]'
       GROUP BY act ORDER BY act COLLATE "C"`);
    expect(by.map(({ act }) => act)).toEqual([
      ...['feature.create', 'license.cancel-change', 'license.change-status', 'license.change-terms'],
      ...['license.end-override', 'license.issue', 'license.override'],
      ...['license.remove-override', 'license.renew', 'license.start-trial', 'offline-grant.issue'],
      ...['offline-grant.return', 'plan-version.amend', 'plan-version.create', 'seat.assign'],
      ...['seat.cancel-reservation', 'seat.release', 'seat.release-lease', 'seat.reserve'],
    ]);
    for (const { act, traces } of by) expect([act, traces]).toEqual([act, ['console 127.0.0.1 pwd']]);
  });

  it('has no operation whose answer was not held against it', () => {
    expect(reference.unseen()).toEqual([]);
  });
});
