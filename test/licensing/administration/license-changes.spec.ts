import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SeatLeaseRepository } from '#licensing';
import { Database, sql } from '#platform';
import { answerOf, basic } from '../../support/world.js';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

describe('changes of a license over HTTP', () => {
  let admin: AdministrationWorld;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
  });
  afterAll(() => admin.stop());

  const read = async (id: string) => (await admin.operate('GET', `/v1/licenses/${id}`)).body;
  const change = (method: string, id: string, path: string, body?: unknown, ifMatch = '*') =>
    admin.operate(method, `/v1/licenses/${id}/${path}`, { body, headers: { 'if-match': ifMatch } });

  it('RFC 6585 §3: is refused with 428 without If-Match, and changes nothing', async () => {
    const id = await admin.issued();
    const before = await read(id);
    const { status, body } = await admin.operate('POST', `/v1/licenses/${id}/status`, {
      body: { status: 'suspended' },
    });
    expect([status, body['code']]).toEqual([428, 'precondition_required']);
    expect(await read(id)).toEqual(before);
  });

  it('RFC 9110 §13.1.1: is refused with 412 for another version, a weak tag or none of ours', async () => {
    const id = await admin.issued();
    const before = await read(id);
    const version = Number(before['version']);
    for (const tag of [`"${version + 1}"`, `W/"${version}"`, '"x"', '7']) {
      const { status, body } = await change('POST', id, 'status', { status: 'suspended' }, tag);
      expect([tag, status, body['code']]).toEqual([tag, 412, 'license_changed_meanwhile']);
    }
    expect(await read(id)).toEqual(before);
  });

  it('of ten changes for one version made at once exactly one is made, and the others are 412', async () => {
    const id = await admin.issued();
    const tag = `"${String((await read(id))['version'])}"`;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => change('POST', id, 'status', { status: 'suspended' }, tag)),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      200,
      ...Array.from({ length: 9 }, () => 412),
    ]);
  });

  it('carries a license through its statuses, each answer with the ETag of the next change', async () => {
    const id = await admin.issued({ draft: true });
    let tag = `"${String((await read(id))['version'])}"`;
    for (const status of ['issued', 'suspended', 'issued', 'revoked']) {
      const answer = await change('POST', id, 'status', { status }, tag);
      expect([answer.status, answer.body['status']]).toEqual([200, status]);
      tag = answer.headers.get('etag') ?? '';
    }
    const { status, body } = await change('POST', id, 'status', { status: 'issued' }, tag);
    expect([status, body['code']]).toEqual([409, 'status_transition_refused']);
  });

  it('renews to a last day, which ends where the customer lives', async () => {
    const id = await admin.issued({ time_zone: 'Asia/Tokyo' });
    const { status, body } = await change('POST', id, 'renewals', { last_day: '2039-12-31', grace_days: 7 });
    expect([status, body['ends_at'], body['last_day'], body['grace_days']]).toEqual([
      200,
      '2039-12-31T15:00:00.000Z',
      '2039-12-31',
      7,
    ]);
    const shorter = await change('POST', id, 'renewals', { last_day: '2038-12-31' });
    expect([shorter.status, shorter.body['code']]).toEqual([409, 'would_shorten']);
    expect((await change('POST', id, 'renewals', { last_day: '2038-12-31', shorten: true })).status).toBe(
      200,
    );
  });

  it('changes terms now and later, lists what is to come and calls it off', async () => {
    const id = await admin.issued();
    const later = '2034-01-01T00:00:00.000Z';
    expect((await change('POST', id, 'terms', { seat_limit: 8, effective_at: later })).status).toBe(200);
    const now = await change('POST', id, 'terms', { seat_limit: 5 });
    expect((now.body['terms'] as { seat_limit: number }[]).map((one) => one.seat_limit)).toEqual([3, 5, 8]);
    const scheduled = await admin.operate('GET', `/v1/licenses/${id}/terms/scheduled`);
    expect(scheduled.body).toMatchObject({ terms: [{ effective_at: later, seat_limit: 8 }] });
    expect((await change('DELETE', id, `terms/${later}`)).status).toBe(200);
    const again = await change('DELETE', id, `terms/${later}`);
    expect([again.status, again.body['code']]).toEqual([404, 'unknown_change']);
  });

  it('overrides the plan for a feature, ends that, and takes it away', async () => {
    const id = await admin.issued();
    const set = { value: false, starts_at: '2026-01-01T00:00:00Z' };
    const answer = await change('PUT', id, 'overrides/export', set);
    expect(answer.body['overrides']).toMatchObject([{ feature: 'export', value: false, ends_at: null }]);
    const end = '2034-01-01T00:00:00.000Z';
    const ended = await change('POST', id, 'overrides/export/end', { ends_at: end });
    expect(ended.body['overrides']).toMatchObject([{ feature: 'export', ends_at: end }]);
    expect((await change('DELETE', id, 'overrides/export')).body['overrides']).toEqual([]);
    const removed = await change('PUT', id, 'overrides/export', { removed: true, starts_at: set.starts_at });
    expect(removed.body['overrides']).toMatchObject([{ feature: 'export', removed: true }]);
  });

  it('plans an override after the one in force, and takes away the one that is named', async () => {
    const id = await admin.issued();
    const [from, until, later] = [
      '2026-01-01T00:00:00.000Z',
      '2034-01-01T00:00:00.000Z',
      '2035-01-01T00:00:00.000Z',
    ];
    await change('PUT', id, 'overrides/export', { value: false, starts_at: from, ends_at: until });
    const planned = await change('PUT', id, 'overrides/export', { value: true, starts_at: until });
    expect([planned.status, planned.body['overrides']]).toMatchObject([
      200,
      [
        { value: false, starts_at: from, ends_at: until },
        { value: true, starts_at: until, ends_at: null },
      ],
    ]);
    for (const [method, path, body, status, code] of [
      ['PUT', '', { value: false, starts_at: from }, 409, 'override_overlaps'],
      ['DELETE', '', undefined, 409, 'several_overrides'],
      ['DELETE', `?starts_at=${later}`, undefined, 404, 'unknown_override'],
      ['DELETE', '?starts_at=soon', undefined, 400, 'invalid_request'],
    ] as const) {
      const refused = await change(method, id, `overrides/export${path}`, body);
      expect([method, path, refused.status, refused.body['code']]).toEqual([method, path, status, code]);
    }
    expect((await read(id))['overrides']).toEqual(planned.body['overrides']);
    const left = await change('DELETE', id, `overrides/export?starts_at=${until}`);
    expect(left.body['overrides']).toMatchObject([{ value: false, starts_at: from, ends_at: until }]);
    expect((await change('DELETE', id, 'overrides/export')).body['overrides']).toEqual([]);
  });

  it('does not issue a draft whose end has passed, until it is given a later one', async () => {
    const { answer } = await admin.issuedBeforeItsEnd({ draft: true });
    const id = String(answer.body['id']);
    const refused = await change('POST', id, 'status', { status: 'issued' });
    expect([refused.status, refused.body['code'], refused.body['detail']]).toEqual([
      ...[409, 'status_transition_refused'],
      'The end of this draft has passed: give it a later end by a renewal, then issue it.',
    ]);
    expect((await read(id))['status']).toBe('draft');
    await change('POST', id, 'renewals', { last_day: '2034-12-31' });
    expect((await change('POST', id, 'status', { status: 'issued' })).body['status']).toBe('issued');
  });

  it.each<[string, string, string, unknown, number, string]>([
    ['a status that there is not', 'POST', 'status', { status: 'active' }, 400, 'invalid_request'],
    ['a renewal that says nothing', 'POST', 'renewals', {}, 400, 'invalid_license'],
    [
      ...(['a renewal whose ends are left empty', 'POST', 'renewals'] as const),
      ...([{ last_day: null, ends_at: null, grace_days: 3 }, 400, 'invalid_license'] as const),
    ],
    [
      'an end that has passed',
      'POST',
      'renewals',
      { ends_at: '2026-02-01T00:00:00Z' },
      400,
      'invalid_license',
    ],
    [
      'terms of an unknown plan',
      'POST',
      'terms',
      { plan_version_id: randomUUID() },
      404,
      'unknown_plan_version',
    ],
    [
      'terms that have begun',
      'POST',
      'terms',
      { seat_limit: 4, effective_at: '2026-02-01T00:00:00Z' },
      400,
      'invalid_terms',
    ],
    ['terms that say nothing', 'POST', 'terms', {}, 400, 'invalid_terms'],
    ['a limit beyond a whole number', 'POST', 'terms', { seat_limit: 2 ** 53 + 2 }, 400, 'invalid_request'],
    ['an instant that is none', 'DELETE', 'terms/soon', undefined, 400, 'invalid_request'],
    [
      'an unknown feature',
      'PUT',
      'overrides/charts',
      { value: true, starts_at: '2026-01-01T00:00:00Z' },
      400,
      'invalid_override',
    ],
    [
      'a feature that is no key',
      'PUT',
      'overrides/A%00',
      { value: true, starts_at: '2026-01-01T00:00:00Z' },
      404,
      'unknown_feature',
    ],
    [
      'a number for a yes or no',
      'PUT',
      'overrides/export',
      { value: 5, starts_at: '2026-01-01T00:00:00Z' },
      400,
      'invalid_override',
    ],
    [
      'an override of nothing',
      'PUT',
      'overrides/export',
      { starts_at: '2026-01-01T00:00:00Z' },
      400,
      'invalid_override',
    ],
    [
      'an override that ends before it starts',
      'PUT',
      'overrides/export',
      { value: true, starts_at: '2030-01-01T00:00:00Z', ends_at: '2029-01-01T00:00:00Z' },
      400,
      'invalid_override',
    ],
    ['the end of an override that there is not', 'POST', 'overrides/export/end', {}, 404, 'unknown_override'],
    [
      'the conversion of what is no trial',
      'POST',
      'renewals',
      { ends_at: null, convert_trial: true },
      409,
      'not_a_trial',
    ],
  ])('refuses %s with a reason, and changes nothing', async (_, method, path, body, status, code) => {
    const id = await admin.issued();
    const before = await read(id);
    const answer = await change(method, id, path, body);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
    expect(await read(id)).toEqual(before);
  });

  it('refuses fewer seats than are in use, and says how many that are', async () => {
    const id = await admin.issued();
    for (const email of ['owner@acme.example', 'member@acme.example'])
      await admin.world.assignSeat(id, email);
    const { status, body } = await change('POST', id, 'terms', { seat_limit: 1 });
    expect([status, body['code']]).toEqual([409, 'seats_in_use']);
    expect(String(body['detail'])).toContain('2 seats are in use');
  });

  it('changes the seat model only where it puts nobody out, and seats who holds a floating seat', async () => {
    const named = await admin.issued();
    for (const email of ['owner@acme.example', 'member@acme.example'])
      await admin.world.assignSeat(named, email);
    const floated = await change('POST', named, 'terms', { seat_model: 'floating', seat_limit: 1 });
    expect([floated.status, floated.body['code']]).toEqual([409, 'seats_in_use']);
    const floating = await admin.issued({ seat_model: 'floating', seat_limit: 2 });
    const userId = admin.world.id('member@acme.example');
    await admin.world.app
      .get(SeatLeaseRepository)
      .acquireLease({ licenseId: floating, userId, device: 'desk' }, 'test');
    const none = await change('POST', floating, 'terms', { seat_model: 'named', seat_limit: 0 });
    expect([none.status, none.body['code']]).toEqual([409, 'seats_in_use']);
    expect((await change('POST', floating, 'terms', { seat_model: 'named', seat_limit: 1 })).status).toBe(
      200,
    );
    const { body } = await admin.operate('GET', `/v1/licenses/${floating}/seats`);
    expect(body['seats']).toMatchObject([{ user_id: userId }]);
  });

  it.each(['floating', 'unlimited'])(
    'a planned change from %s to named seats seats nobody: it says so, and seats are assigned ahead',
    async (model) => {
      const limit = model === 'unlimited' ? null : 5;
      const id = await admin.issued({ seat_model: model, seat_limit: limit });
      const [ann, ben] = ['owner@acme.example', 'member@acme.example'].map((email) => admin.world.id(email));
      const seat = (userId = '') => admin.operate('PUT', `/v1/licenses/${id}/seats/${userId}`);
      expect((await seat(ann)).body['code']).toBe('no_seats');
      const later = new Date(Date.now() + 86_400_000).toISOString();
      const planned = await change('POST', id, 'terms', {
        ...{ seat_model: 'named', seat_limit: 1, effective_at: later },
      });
      expect([planned.status, planned.body['notice']]).toEqual([
        200,
        `From ${later} on the license lets in those alone who hold a named seat: nobody is seated by the change, and 0 of 1 seats are assigned now. Assign the others before.`,
      ]);
      expect((await seat(ann)).body).toMatchObject({ assigned: true });
      expect((await seat(ben)).body['code']).toBe('SEATS_EXHAUSTED');
      const may = async (userId: string | undefined) => {
        const response = await fetch(`${admin.world.url}/v1/licenses/check`, {
          method: 'POST',
          headers: {
            authorization: basic(admin.world.client('reports')),
            'content-type': 'application/json',
          },
          body: JSON.stringify({
            organization_id: admin.world.id('acme'),
            user_id: userId,
            module: 'reports',
          }),
        });
        return (await answerOf(response)).body['code'];
      };
      const database = admin.world.app.get(Database);
      await database.query(sql`
        UPDATE licenses SET status = 'suspended' WHERE id <> ${id} AND status = 'issued'`);
      if (model === 'unlimited') expect([await may(ann), await may(ben)]).toEqual(['OK', 'OK']);
      await database.query(sql`
        UPDATE license_terms SET effective_at = '2026-01-02' WHERE license_id = ${id} AND effective_at > now()`);
      for (const status of ['suspended', 'issued']) await change('POST', id, 'status', { status });
      await admin.world.heard();
      expect([await may(ann), await may(ben)]).toEqual(['OK', 'SEAT_REQUIRED']);
      await change('POST', id, 'status', { status: 'revoked' });
    },
  );
});
