import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeatLeaseRepository, UsageRepository } from '#licensing';
import { REPOSITORY } from '../../support/built-process.js';
import type { Answer } from '../../support/world.js';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;

/** The reference, in which an answer has no member beside those that it names. */
function closedReference(): Json {
  const text = readFileSync(join(REPOSITORY, 'docs/reference/licensing-api.json'), 'utf8');
  return JSON.parse(text, (_, value: unknown) => {
    const schema = value as Json | null;
    const isObject = typeof schema === 'object' && schema?.['type'] === 'object' && 'properties' in schema;
    return isObject ? { additionalProperties: false, ...schema } : value;
  }) as Json;
}

const reference = closedReference();
const ajv = new Ajv2020({
  strict: false,
  formats: {
    uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    date: /^\d{4}-\d{2}-\d{2}$/,
    'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/,
  },
});
ajv.addSchema(reference, 'reference');

/** The operations of the reference, as `GET /v1/licenses/{id}`, with what a success of each brings. */
const operations = new Map<string, Json>(
  Object.entries(reference['paths'] as Record<string, Record<string, { responses: Json }>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(
        ([method, { responses }]) => [`${method.toUpperCase()} ${path}`, responses] as const,
      ),
  ),
);

describe('docs/reference/licensing-api.json', () => {
  const seen = new Set<string>();
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
    const [method = '', template = ''] = operation.split(' ');
    const address = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => path[name] ?? '');
    const answer = await admin.operate(method, address + query, { body, headers: headers() });
    const [type = ''] = (answer.headers.get('content-type') ?? '').split(';');
    const told = operations.get(operation)?.[answer.status] as { content?: Record<string, Json> } | undefined;
    expect({ operation, status: answer.status, told: told !== undefined, body: answer.body }).toMatchObject({
      told: true,
    });
    if (told?.content !== undefined) {
      const schema = told.content[type]?.['schema'] as { $ref: string } | undefined;
      expect({ operation, type, schema }).toMatchObject({ schema: { $ref: expect.any(String) } });
      const validate = ajv.compile({ $ref: `reference${schema?.$ref ?? ''}` });
      validate(answer.body);
      expect({ operation, errors: validate.errors, body: answer.body }).toMatchObject({ errors: null });
    }
    if (answer.status < 300) seen.add(operation);
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
    await admin.issued({ plan_version_id: id, seat_model: 'unlimited', seat_limit: null });
    await admin.world.app.get(UsageRepository).record({
      ...{ organizationId: admin.world.id('acme'), module: 'reports', feature: 'pages', amount: 2 },
      ...{ userId: null, idempotencyKey: 'answers', clientId: 'reports' },
    });
    const exported = await call('GET /v1/usage/export', {
      query: '?from=2020-01-01T00:00:00Z&to=2040-01-01T00:00:00Z',
    });
    expect(exported.body['usage']).toMatchObject([{ feature: 'pages', used: 2 }]);
  });

  it('says of refusals what is answered', async () => {
    await call('GET /v1/licenses/{id}', { path: { id: randomUUID() } });
    await call('POST /v1/licenses', { body: {} });
    await call('GET /v1/licenses', { query: '?limit=0' });
  });

  it('has no operation whose answer was not held against it', () => {
    expect([...operations.keys()].filter((operation) => !seen.has(operation))).toEqual([]);
  });
});
