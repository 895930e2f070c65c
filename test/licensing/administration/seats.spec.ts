import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Database, sql } from '#platform';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

describe('seats over HTTP', () => {
  let admin: AdministrationWorld;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
  });
  afterAll(() => admin.stop());

  const member = () => admin.world.id('member@acme.example');
  const asOwner = async (method: string, path: string, body?: unknown) =>
    admin.call(method, path, { token: await admin.owner, body });
  const seated = async (id: string) =>
    ((await asOwner('GET', `/v1/licenses/${id}/seats`)).body['seats'] as { email: string }[]).map(
      ({ email }) => email,
    );

  it("an organization's owner gives a seat once however often they ask, and takes it back", async () => {
    const id = await admin.issued();
    const path = `/v1/licenses/${id}/seats/${member()}`;
    const [first, second] = [await asOwner('PUT', path), await asOwner('PUT', path)];
    expect([first.status, first.body['assigned'], second.body['assigned']]).toEqual([200, true, false]);
    expect(first.body['seat_id']).toBe(second.body['seat_id']);
    expect(await seated(id)).toEqual(['member@acme.example']);
    expect((await asOwner('DELETE', path)).status).toBe(204);
    const again = await asOwner('DELETE', path);
    expect([again.status, again.body['code']]).toEqual([404, 'unknown_seat']);
    expect(await seated(id)).toEqual([]);
  });

  it('says of a body that is not wanted, of one that is too long and of an unknown method which of these it is', async () => {
    const path = `/v1/licenses/${await admin.issued()}/seats/${member()}`;
    const put = await asOwner('PUT', path, {});
    expect([put.status, put.body['detail']]).toEqual([
      400,
      'This address reads no body: send the request without one.',
    ]);
    expect((await asOwner('PATCH', path, {})).status).toBe(404);
    const csv = `email\n${'somebody-with-a-long-name@acme.example\n'.repeat(2500)}`;
    const long = await asOwner('POST', '/v1/seat-imports', { module: 'reports', csv });
    expect([long.status, long.body['detail']]).toEqual([
      413,
      'The request is too large: at most 65536 bytes are taken. Longer lists are taken by `core-auth seats import`.',
    ]);
  });

  it('refuses more than there are with the decision code', async () => {
    const id = await admin.issued({ seat_limit: 1 });
    await asOwner('PUT', `/v1/licenses/${id}/seats/${member()}`);
    const { status, body } = await asOwner(
      'PUT',
      `/v1/licenses/${id}/seats/${admin.world.id('owner@acme.example')}`,
    );
    expect([status, body['code']]).toEqual([403, 'SEATS_EXHAUSTED']);
    expect(await seated(id)).toEqual(['member@acme.example']);
  });

  it('says of a seat that cools when it is free for others, by every way to one', async () => {
    const id = await admin.issued({ seat_limit: 2, seat_cooldown_seconds: 3600 });
    const owner = admin.world.id('owner@acme.example');
    const until: string[] = [];
    await admin.world.createPerson('second@acme.example', 'Second', { acme: 'member' });
    await admin.world.createPerson('third@acme.example', 'Third', { acme: 'member' });
    for (const person of [member(), admin.world.id('second@acme.example')]) {
      await asOwner('PUT', `/v1/licenses/${id}/seats/${person}`);
      await asOwner('DELETE', `/v1/licenses/${id}/seats/${person}`);
      const [row] = await admin.world.app.get(Database).query<{ until: Date }>(sql`
        SELECT released_at + interval '1 hour' AS until FROM seat_assignments
         WHERE license_id = ${id} AND user_id = ${person}`);
      until.push(row?.until.toISOString() ?? '');
    }
    const sentence = `Ask again from ${until[0]} on.`;
    const expectCooling = (code: unknown, told: unknown) => {
      expect([code, told]).toEqual(['SEATS_EXHAUSTED', expect.stringContaining(sentence)]);
    };
    const put = await asOwner('PUT', `/v1/licenses/${id}/seats/${owner}`);
    expect(put.status).toBe(403);
    expectCooling(put.body['code'], put.body['detail']);
    const kept = await asOwner('POST', `/v1/licenses/${id}/reservations`, {
      invitation_id: randomUUID(),
      expires_at: new Date(Date.now() + 86_400_000).toISOString(),
    });
    expectCooling(kept.body['code'], kept.body['detail']);
    const csv = `email,license\nowner@acme.example,${id}\nmember@acme.example,${id}\nthird@acme.example,${id}`;
    const answers = [];
    for (const dry_run of [true, false]) {
      answers.push(
        (await asOwner('POST', '/v1/seat-imports', { module: 'reports', csv, dry_run })).body['results'],
      );
    }
    const [dry, real] = answers as { code?: string; problem?: string; outcome: string }[][];
    expect(real).toEqual(dry);
    expectCooling(real?.[0]?.code, real?.[0]?.problem);
    // who comes back takes their own seat along, and the other one is next
    expect(real?.[1]?.outcome).toBe('assigned');
    expect(real?.[2]?.problem).toContain(`Ask again from ${until[1]} on.`);
  });

  it("neither shows nor changes the seats of another organization's license", async () => {
    const id = await admin.issued({ organization_id: admin.world.id('globex') });
    const consultant = admin.world.id('consultant@partners.example');
    for (const [method, path] of [
      ['GET', 'seats'],
      ['PUT', `seats/${consultant}`],
      ['DELETE', `seats/${consultant}`],
    ] as const) {
      const { status, body } = await asOwner(method, `/v1/licenses/${id}/${path}`);
      expect([status, body['code']]).toEqual([404, 'unknown_license']);
    }
  });

  it('refuses who is no member, and who is nobody', async () => {
    const id = await admin.issued();
    const outsider = admin.world.id('admin@globex.example');
    for (const [user, status, code] of [
      [outsider, 409, 'not_a_member'],
      [randomUUID(), 409, 'not_a_member'],
      ['x', 404, 'unknown_user'],
    ] as const) {
      const answer = await asOwner('PUT', `/v1/licenses/${id}/seats/${user}`);
      expect([answer.status, answer.body['code']]).toEqual([status, code]);
    }
    expect(await seated(id)).toEqual([]);
  });

  describe('imports', () => {
    it('says line by line what would happen, does nothing, and then does it', async () => {
      const id = await admin.issued({ seat_limit: 1 });
      const body = {
        module: 'reports',
        csv: `email,license\nmember@acme.example,${id}\nowner@acme.example,${id}\nnobody@acme.example,${id}\n`,
      };
      const outcomes = async (dryRun: boolean) => {
        const answer = await asOwner('POST', '/v1/seat-imports', { ...body, dry_run: dryRun });
        expect(answer.status).toBe(200);
        return (answer.body['results'] as { outcome: string; code?: string }[]).map(
          ({ outcome, code }) => code ?? outcome,
        );
      };
      expect(await outcomes(true)).toEqual(['assigned', 'SEATS_EXHAUSTED', 'not_a_member']);
      expect(await seated(id)).toEqual([]);
      expect(await outcomes(false)).toEqual(['assigned', 'SEATS_EXHAUSTED', 'not_a_member']);
      expect(await seated(id)).toEqual(['member@acme.example']);
      expect(await outcomes(false)).toEqual(['already-seated', 'SEATS_EXHAUSTED', 'not_a_member']);
    });

    it.each([
      ['a file that is none', { module: 'reports', csv: 'name\nAda\n' }, 400, 'invalid_import'],
      ['a quote that does not end', { module: 'reports', csv: 'email\n"ada\n' }, 400, 'invalid_import'],
      ['an unknown module', { module: 'nothing', csv: 'email\n' }, 404, 'unknown_module'],
      ['no file', { module: 'reports' }, 400, 'invalid_request'],
      ['a file that is too long', { module: 'reports', csv: 'x'.repeat(60_001) }, 400, 'invalid_request'],
    ])('refuse %s', async (_, body, status, code) => {
      const answer = await asOwner('POST', '/v1/seat-imports', body);
      expect([answer.status, answer.body['code']]).toEqual([status, code]);
    });

    it("refuse another organization's people, and ask an operator whose they are", async () => {
      const foreign = { organization_id: admin.world.id('globex'), module: 'projects', csv: 'email\n' };
      expect((await asOwner('POST', '/v1/seat-imports', foreign)).status).toBe(404);
      const body = { module: 'reports', csv: 'email\n' };
      expect((await admin.operate('POST', '/v1/seat-imports', { body })).status).toBe(400);
    });
  });
});
