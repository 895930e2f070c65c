import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SeatLeaseRepository, SeatReservationRepository } from '#licensing';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

describe('reservations, leases and license files over HTTP', () => {
  let admin: AdministrationWorld;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
  });
  afterAll(() => admin.stop());

  const asOwner = async (method: string, path: string, body?: unknown) =>
    admin.call(method, `/v1/licenses/${path}`, { token: await admin.owner, body });
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

  it('keeps a seat for an invitation once, lists it, and gives it back', async () => {
    const id = await admin.issued({ seat_limit: 1 });
    const reservation = { invitation_id: randomUUID(), expires_at: inDays(7) };
    const [first, again] = [
      await asOwner('POST', `${id}/reservations`, reservation),
      await asOwner('POST', `${id}/reservations`, reservation),
    ];
    expect([first.body['reserved'], again.body['reserved']]).toEqual([true, false]);
    const full = await asOwner('POST', `${id}/reservations`, { ...reservation, invitation_id: randomUUID() });
    expect([full.status, full.body['code']]).toEqual([403, 'SEATS_EXHAUSTED']);
    expect((await asOwner('GET', `${id}/reservations`)).body['reservations']).toMatchObject([reservation]);
    const path = `${id}/reservations/${reservation.invitation_id}`;
    expect((await asOwner('DELETE', path)).status).toBe(204);
    const gone = await asOwner('DELETE', path);
    expect([gone.status, gone.body['code']]).toEqual([404, 'unknown_reservation']);
    for (const days of [-1, 91]) {
      const wrong = await asOwner('POST', `${id}/reservations`, { ...reservation, expires_at: inDays(days) });
      expect([wrong.status, wrong.body['code']]).toEqual([400, 'invalid_reservation']);
    }
    expect((await asOwner('GET', `${id}/reservations`)).body['reservations']).toEqual([]);
    expect(
      (await asOwner('POST', `${id}/reservations`, { ...reservation, expires_at: inDays(89) })).status,
    ).toBe(200);
  });

  it("an owner who names another organization's invitation gives back nothing there", async () => {
    const [own, foreign] = [
      await admin.issued(),
      await admin.issued({ organization_id: admin.world.id('globex') }),
    ];
    const invitation = randomUUID();
    const reservations = admin.world.app.get(SeatReservationRepository);
    await reservations.reserveSeat(foreign, invitation, new Date(inDays(7)), 'test');
    await asOwner('POST', `${own}/reservations`, { invitation_id: invitation, expires_at: inDays(7) });
    expect((await asOwner('DELETE', `${own}/reservations/${invitation}`)).status).toBe(204);
    const kept = await admin.operate('GET', `/v1/licenses/${foreign}/reservations`);
    expect(kept.body['reservations']).toMatchObject([{ invitation_id: invitation }]);
  });

  it('lists who holds a floating seat, and ends it', async () => {
    const id = await admin.issued({ seat_model: 'floating', seat_limit: 1 });
    const userId = admin.world.id('member@acme.example');
    const { fence } = await admin.world.app
      .get(SeatLeaseRepository)
      .acquireLease({ licenseId: id, userId, device: 'a desk' }, 'test');
    const { body } = await asOwner('GET', `${id}/leases`);
    expect(body['leases']).toMatchObject([
      { user_id: userId, name: 'Max Member', email: 'member@acme.example', device: 'a desk', fence },
    ]);
    const [held] = body['leases'] as { leased_at: string; heard_at: string }[];
    expect(held?.heard_at).toBe(held?.leased_at);
    expect((await asOwner('DELETE', `${id}/leases/${fence}`)).status).toBe(204);
    expect((await asOwner('GET', `${id}/leases`)).body['leases']).toEqual([]);
    for (const gone of [fence, 'x', '999999999999999']) {
      const { status, body: problem } = await asOwner('DELETE', `${id}/leases/${gone}`);
      expect([status, problem['code']]).toEqual([404, 'unknown_lease']);
    }
  });

  it('issues a license file to an operator, lists it, and takes its seats back', async () => {
    const id = await admin.issued({ seat_limit: 3 });
    const path = `/v1/licenses/${id}/offline-grants`;
    const body = { instance: 'ship', seat_block: 2, expires_at: inDays(30) };
    const issued = await admin.operate('POST', path, { body });
    expect([issued.status, String(issued.body['file']).split('.').length]).toEqual([201, 3]);
    const grant = issued.body['grant'] as { id: string };
    expect((await asOwner('GET', `${id}/offline-grants`)).body['offline_grants']).toMatchObject([
      { id: grant.id, instance: 'ship', seat_block: 2, returned_at: null },
    ]);
    const more = await admin.operate('POST', path, { body: { ...body, instance: 'plant' } });
    expect([more.status, more.body['code']]).toEqual([403, 'SEATS_EXHAUSTED']);
    const other = await admin.issued();
    const elsewhere = await admin.operate('DELETE', `/v1/licenses/${other}/offline-grants/${grant.id}`);
    expect([elsewhere.status, elsewhere.body['code']]).toEqual([404, 'unknown_grant']);
    const renewed = await admin.operate('POST', path, { body });
    const next = renewed.body['grant'] as { id: string };
    const { body: list } = await asOwner('GET', `${id}/offline-grants`);
    const files = list['offline_grants'] as { sequence: number; replaced_by: number | null }[];
    expect(
      files
        .map(({ sequence, replaced_by }) => [sequence, replaced_by])
        .toSorted(([one = 0], [other = 0]) => Number(one) - Number(other)),
    ).toEqual([
      [1, 2],
      [2, null],
    ]);
    const replaced = await admin.operate('DELETE', `${path}/${grant.id}`);
    expect([replaced.status, replaced.body['code']]).toEqual([409, 'grant_superseded']);
    expect((await admin.operate('DELETE', `${path}/${next.id}`)).body).toMatchObject({
      seat_block: 2,
      ended: false,
    });
    const again = await admin.operate('DELETE', `${path}/${next.id}`);
    expect([again.status, again.body['code']]).toEqual([409, 'grant_returned']);
    expect((await admin.operate('DELETE', `${path}/${randomUUID()}`)).status).toBe(404);
  });

  it.each([
    ['an instance that is no name', { instance: 'a b' }, 400, 'invalid_request'],
    ['a negative block', { seat_block: -1 }, 400, 'invalid_request'],
    ['an end that has passed', { expires_at: '2026-01-01T00:00:00Z' }, 400, 'invalid_offline_grant'],
    ['an end years ahead', { expires_at: '2030-01-01T00:00:00Z' }, 400, 'invalid_offline_grant'],
  ])('refuses a license file with %s', async (_, changes, status, code) => {
    const id = await admin.issued();
    const body = { instance: 'ship', seat_block: 0, expires_at: inDays(30), ...changes };
    const answer = await admin.operate('POST', `/v1/licenses/${id}/offline-grants`, { body });
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
  });
});
