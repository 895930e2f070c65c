import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

describe('history and trials over HTTP', () => {
  let admin: AdministrationWorld;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
  });
  afterAll(() => admin.stop());

  const asOwner = async (path: string) => admin.call('GET', path, { token: await admin.owner });

  it('tells who did what, the latest first, and how the license was before it', async () => {
    const id = await admin.issued();
    await admin.operate('POST', `/v1/licenses/${id}/status`, {
      body: { status: 'suspended' },
      headers: { 'if-match': '*' },
    });
    const operator = admin.world.id('operator@seller.example');
    const { body } = await asOwner(`/v1/licenses/${id}/timeline?limit=1`);
    expect(body['entries']).toMatchObject([{ act: 'license.change-status', actor: operator }]);
    const next = await asOwner(`/v1/licenses/${id}/timeline?cursor=${String(body['next_cursor'])}`);
    expect(next.body).toMatchObject({
      entries: [{ act: 'license.issue', actor: operator }],
      next_cursor: null,
    });

    const [suspended] = body['entries'] as { occurred_at: string }[];
    const [issued] = next.body['entries'] as { occurred_at: string }[];
    const state = (at: string | undefined) => asOwner(`/v1/licenses/${id}/state?at=${at ?? ''}`);
    expect((await state(suspended?.occurred_at)).body).toMatchObject({ license: { status: 'suspended' } });
    expect((await state(issued?.occurred_at)).body).toMatchObject({ license: { status: 'issued' } });
    const before = await state('2026-01-01T00:00:00Z');
    expect([before.status, before.body['code']]).toEqual([404, 'no_license_then']);
    expect((await state('yesterday')).status).toBe(400);
  });

  it('tells why, of every change for which a reason was given, and the reason is no part of the license', async () => {
    const id = await admin.issued({ reason: 'Order 42' });
    const change = async (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => {
      const answer = await admin.operate(method, `/v1/licenses/${id}/${path}`, {
        ...(body && { body }),
        headers: { 'if-match': '*' },
      });
      expect([path, answer.status]).toEqual([path, 200]);
    };
    const [starts_at, next_year] = ['2026-01-01T00:00:00.000Z', '2031-01-01T00:00:00.000Z'];
    await change('POST', 'status', { status: 'suspended', reason: 'Invoice 7 is unpaid' });
    await change('POST', 'status', { status: 'issued' });
    await change('POST', 'renewals', { last_day: '2035-12-31', reason: 'Renewed by phone' });
    await change('POST', 'terms', { seat_limit: 9, effective_at: next_year, reason: 'They grow' });
    await change('DELETE', `terms/${next_year}?reason=They%20do%20not`);
    await change('PUT', 'overrides/export', { value: true, starts_at, reason: 'A gift' });
    await change('POST', 'overrides/export/end', { reason: 'Enough' });
    await change('DELETE', 'overrides/export?reason=Never%20mind');
    const { body } = await asOwner(`/v1/licenses/${id}/timeline`);
    const entries = body['entries'] as { reason: string | null; detail: object; occurred_at: string }[];
    expect(entries.map(({ reason }) => reason)).toEqual([
      ...['Never mind', 'Enough', 'A gift', 'They do not', 'They grow', 'Renewed by phone', null],
      ...['Invoice 7 is unpaid', 'Order 42'],
    ]);
    expect(entries.filter(({ detail }) => 'reason' in detail)).toEqual([]);
    const now = await asOwner(`/v1/licenses/${id}/state?at=${entries[0]?.occurred_at ?? ''}`);
    expect(now.body['license']).not.toHaveProperty('reason');
    for (const reason of ['', ' ', 'two\nlines', 'x'.repeat(501), 7]) {
      const refused = await admin.operate('POST', `/v1/licenses/${id}/status`, {
        body: { status: 'suspended', reason },
        headers: { 'if-match': '*' },
      });
      expect([reason, refused.status, refused.body['detail']]).toEqual([
        ...[reason, 400],
        'reason must be a text of 1 to 500 characters without control characters.',
      ]);
    }
  });

  it("does not tell of another organization's license", async () => {
    const id = await admin.issued({ organization_id: admin.world.id('globex') });
    for (const path of ['timeline', 'state?at=2027-01-01T00:00:00Z']) {
      const { status, body } = await asOwner(`/v1/licenses/${id}/${path}`);
      expect([status, body['code']]).toEqual([404, 'unknown_license']);
    }
  });

  describe('trials', () => {
    const trial = (changes: object = {}) =>
      admin.operate('POST', '/v1/trials', {
        body: {
          ...{ organization_id: admin.world.id('globex'), module: 'reports', days: 30 },
          ...{ plan_version_id: admin.world.id('plan:reports'), ...changes },
        },
      });

    it.each([
      ['no day', { days: 0 }, 400, 'invalid_request'],
      ['more days than a year has', { days: 366 }, 400, 'invalid_request'],
      ['a limit without seats', { seat_limit: 3 }, 400, 'invalid_license'],
      ['an unknown plan', { plan_version_id: randomUUID() }, 404, 'unknown_plan_or_organization'],
    ])('of %s are refused, and the one trial is not used up', async (_, changes, status, code) => {
      const answer = await trial(changes);
      expect([answer.status, answer.body['code']]).toEqual([status, code]);
    });

    it('of ten that are asked for at once one begins, and it becomes a paid license', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => trial()));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([
        201,
        ...Array.from({ length: 9 }, () => 409),
      ]);
      const begun = answers.find(({ status }) => status === 201);
      expect(begun?.body).toMatchObject({ trial: true, status: 'issued' });
      const paid = await admin.operate('POST', `/v1/licenses/${String(begun?.body['id'])}/renewals`, {
        body: { last_day: '2031-12-31', convert_trial: true },
        headers: { 'if-match': begun?.headers.get('etag') ?? '' },
      });
      expect([paid.status, paid.body['trial']]).toEqual([200, false]);
    });
  });
});
