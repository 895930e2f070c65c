import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Database, sql } from '#platform';
import { WRONG_JSON } from '../support/bad-values.js';
import { answerOf, basic, World, type Answer, type TestClient } from '../support/world.js';

describe('/v1/leases', () => {
  let world: World;
  let client: TestClient;
  let licenseId: string;
  beforeAll(async () => {
    world = await World.start();
    client = world.client('reports');
    licenseId = await world.license('acme', 'reports', {
      seatModel: 'floating',
      seatLimit: 1,
      leaseSeconds: 90,
    });
  }, 60_000);
  afterAll(() => world.stop());

  const good = () => ({
    organization_id: world.id('acme'),
    license_id: licenseId,
    user_id: world.id('member@acme.example'),
    device: 'session-1',
  });
  const call = async (
    method: string,
    path: string,
    { body, text, type = 'application/json', by = client, at = world }: Partial<Call> = {},
  ): Promise<Answer> => {
    const content = body === undefined && text === undefined ? {} : { 'content-type': type };
    const response = await fetch(`${at.url}/v1/leases${path}`, {
      method,
      headers: { authorization: basic(by), ...content },
      ...(content['content-type'] ? { body: text ?? JSON.stringify(body) } : {}),
    });
    if (response.status === 204) return { status: 204, headers: response.headers, body: {} };
    return answerOf(response);
  };
  interface Call {
    body: unknown;
    text: string;
    type: string;
    by: TestClient;
    at: World;
  }
  const hold = (changes: object = {}, by = client, at = world) =>
    call('POST', '', { body: { ...good(), ...changes }, by, at });
  /** RFC 9457 §3 */
  const expectProblem = ({ status, headers, body }: Answer, wanted: number, code: string) => {
    expect([status, body['code']]).toEqual([wanted, code]);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(headers.get('cache-control')).toBe('no-store');
  };
  const leasesTaken = async (): Promise<number> => {
    const [row] = await world.app.get(Database).query<{ count: number }>(sql`
      SELECT count(*)::int FROM audit_events WHERE act = 'seat.lease' AND target = ${licenseId}`);
    return row?.count ?? 0;
  };
  const held = async () =>
    world.app.get(Database).query<{ user_id: string; device: string; fence: string }>(sql`
      SELECT user_id, device, fence FROM seat_leases WHERE license_id = ${licenseId} AND expires_at > now()`);

  it('takes a seat, holds the same one for who asks again, renews it, and takes it back', async () => {
    const taken = await hold();
    expect(taken.status).toBe(200);
    const fence = Number(taken.body['fence']);
    expect(taken.body).toEqual({
      ...{ id: `${licenseId}.${fence}`, license_id: licenseId, fence, expires_in: 90, heartbeat_in: 30 },
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    // a process beside, working for the same session
    expect((await hold()).body['fence']).toBe(fence);
    const id = String(taken.body['id']);
    const renewed = await call('POST', `/${id}/heartbeat`);
    expect([renewed.status, renewed.body['fence']]).toEqual([200, fence]);
    expect(Date.parse(String(renewed.body['expires_at']))).toBeGreaterThanOrEqual(
      Date.parse(String(taken.body['expires_at'])),
    );
    expect(await held()).toHaveLength(1);

    expectProblem(await hold({ user_id: world.id('owner@acme.example') }), 403, 'SEATS_EXHAUSTED');
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
    expect(await held()).toEqual([]);
    expectProblem(await call('POST', `/${id}/heartbeat`), 409, 'lease_superseded');
    const other = await hold({ user_id: world.id('owner@acme.example') });
    expect(other.body['fence']).toBe(fence + 1);
    await call('DELETE', `/${String(other.body['id'])}`);
  });

  it('asked at once for one person at one device, at two nodes, gives one lease to all, each time', async () => {
    const other = await World.start({ beside: world });
    try {
      const nodes = [world, other];
      for (let round = 0; round < 20; round += 1) {
        const device = `session-${round}`;
        // by turns nothing was held there before, and a lease that has expired
        if (round % 2 === 1) {
          await hold({ device });
          await world.app.get(Database).query(sql`
            UPDATE seat_leases SET expires_at = now() - interval '1 second' WHERE license_id = ${licenseId}`);
        }
        const before = await leasesTaken();
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) => hold({ device }, client, nodes[index % nodes.length])),
        );
        const ids = new Set(answers.map(({ body }) => body['id']));
        expect([ids.size, ...answers.map(({ status }) => status)]).toEqual([1, ...answers.map(() => 200)]);
        expect(await leasesTaken()).toBe(before + 1);
        const [id] = ids;
        expect((await call('POST', `/${String(id)}/heartbeat`)).status).toBe(200);
        expect((await call('DELETE', `/${String(id)}`)).status).toBe(204);
      }
    } finally {
      await other.stop();
    }
  }, 60_000);

  it('says that a lease has expired, and gives a new one under a higher fence number', async () => {
    const { body } = await hold();
    await world.app.get(Database).query(sql`
      UPDATE seat_leases SET expires_at = now() - interval '1 second' WHERE license_id = ${licenseId}`);
    expectProblem(await call('POST', `/${String(body['id'])}/heartbeat`), 403, 'LEASE_EXPIRED');
    const again = await hold();
    expect(again.body['fence']).toBe(Number(body['fence']) + 1);
    await call('DELETE', `/${String(again.body['id'])}`);
  });

  it('leaves the leases of other modules and organizations alone', async () => {
    const { body } = await hold();
    const id = String(body['id']);
    const foreign = world.client('projects');
    expectProblem(await hold({}, foreign), 404, 'unknown_license');
    expectProblem(await call('POST', `/${id}/heartbeat`, { by: foreign }), 409, 'lease_superseded');
    expect((await call('DELETE', `/${id}`, { by: foreign })).status).toBe(204);
    expectProblem(await hold({ organization_id: world.id('globex') }), 404, 'unknown_license');
    expectProblem(await hold({ user_id: world.id('admin@globex.example') }), 409, 'not_a_member');
    expect(await held()).toHaveLength(1);
    await call('DELETE', `/${id}`);
  });

  it('asks for the authentication of a client, and of the client of a module', async () => {
    const outsider = await world.createClient({ id: `outsider-${randomUUID().slice(0, 8)}` });
    const stranger = { ...client, secret: 'not the secret of this client' };
    const lease = `/${licenseId}.1`;
    for (const [by, status, code] of [
      [outsider, 403, 'access_denied'],
      [stranger, 401, 'invalid_client'],
    ] as const) {
      expectProblem(await hold({}, by), status, code);
      expectProblem(await call('POST', `${lease}/heartbeat`, { by }), status, code);
      expectProblem(await call('DELETE', lease, { by }), status, code);
    }
    expect(await held()).toEqual([]);
  });

  describe.each(['organization_id', 'license_id', 'user_id', 'device'])('the member %s', (member) => {
    it.each(Object.entries(WRONG_JSON))('as %s is refused, and nothing is held', async (_, value) => {
      const answer = await hold({ [member]: value });
      // a device may have any name
      if (member === 'device' && typeof value === 'string' && answer.status === 200) {
        await call('DELETE', `/${String(answer.body['id'])}`);
        return;
      }
      expect([400, 404, 409]).toContain(answer.status);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await held()).toEqual([]);
    });

    it('left out is refused', async () => {
      const body = Object.fromEntries(Object.entries(good()).filter(([name]) => name !== member));
      expectProblem(await call('POST', '', { body }), 400, 'invalid_lease');
    });
  });

  it('refuses bodies that are no JSON object, and names that are none', async () => {
    for (const text of ['[]', 'null', '1', '"x"']) {
      expectProblem(await call('POST', '', { text }), 400, 'invalid_lease');
    }
    expectProblem(await call('POST', '', { text: '{' }), 400, 'invalid_request');
    const form = 'application/x-www-form-urlencoded';
    expectProblem(await call('POST', '', { text: 'device=x', type: form }), 400, 'invalid_lease');
    for (const id of ['x', `${licenseId}`, `${licenseId}.0`, `${licenseId}.1e1`, '%00']) {
      expectProblem(await call('POST', `/${id}/heartbeat`), 409, 'lease_superseded');
      expect((await call('DELETE', `/${id}`)).status).toBe(204);
    }
    expect(await held()).toEqual([]);
  });
});
