import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from '#platform';
import { LicensingWorld, type Node } from './licensing-world.js';
import { named, outcome, takeOffline } from './seat-helpers.js';

const COOLDOWN = 3600;

type Step =
  | { readonly act: 'assign' | 'release'; readonly person: number }
  | { readonly act: 'reserve' | 'cancel' | 'expire'; readonly invitation: number }
  | { readonly act: 'accept'; readonly invitation: number; readonly person: number }
  | { readonly act: 'take-offline' | 'limit'; readonly seats: number }
  | { readonly act: 'cool' };

const person = fc.nat(4);
const invitation = fc.nat(2);
const change: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('assign' as const), person }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('release' as const), person }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('reserve' as const), invitation }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('cancel' as const), invitation }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('accept' as const), invitation, person }) },
);
const anything: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: change },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('expire' as const), invitation }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constantFrom('take-offline', 'limit'),
      seats: fc.integer({ min: 0, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ act: 'cool' as const }) },
);

/** The rules of named seats on plain sets. */
class Model {
  readonly seated = new Set<number>();
  readonly kept = new Set<number>();
  readonly cooling = new Set<number>();
  offline = 0;

  constructor(public limit: number) {}

  /** What a step is answered with; undefined when nothing is said. */
  apply(step: Step): string | undefined {
    switch (step.act) {
      case 'assign':
        return this.seated.has(step.person) ? 'ok' : this.sit(step.person);
      case 'release':
        if (this.seated.delete(step.person)) this.cooling.add(step.person);
        return undefined;
      case 'reserve':
        return this.keep(step.invitation);
      case 'cancel':
      case 'expire':
        this.kept.delete(step.invitation);
        return undefined;
      case 'accept':
        return this.accept(step.invitation, step.person);
      case 'take-offline':
        this.offline += step.seats;
        return undefined;
      case 'limit':
        this.limit = step.seats;
        return undefined;
      case 'cool':
        this.cooling.clear();
        return undefined;
    }
  }

  private full(comer?: number): string | undefined {
    const inUse = this.seated.size + this.kept.size + this.offline;
    if (inUse > this.limit) return 'OVER_ALLOCATED';
    const cooling = [...this.cooling].filter((one) => one !== comer).length;
    return inUse + cooling < this.limit ? undefined : 'SEATS_EXHAUSTED';
  }

  private sit(comer: number): string {
    const refusal = this.full(comer);
    if (refusal) return refusal;
    this.seated.add(comer);
    this.cooling.delete(comer);
    return 'ok';
  }

  private keep(one: number): string {
    const refusal = this.kept.has(one) ? undefined : this.full();
    if (!refusal) this.kept.add(one);
    return refusal ?? 'ok';
  }

  private accept(one: number, comer: number): string {
    if (!this.kept.delete(one)) return 'unknown_reservation';
    const answer = this.seated.has(comer) ? 'ok' : this.sit(comer);
    if (answer !== 'ok') this.kept.add(one);
    return answer;
  }
}

describe('named seats against a plain model', () => {
  let world: LicensingWorld;
  let people: string[];
  beforeAll(async () => {
    world = await LicensingWorld.create({ nodes: 2 });
    people = await world.members(5);
  });
  afterAll(() => world.close());

  /** Carries a step out for real. */
  async function carryOut(
    step: Step,
    { licenseId, invitations, node }: { licenseId: string; invitations: readonly string[]; node: Node },
  ): Promise<string | undefined> {
    const { database, seats, reservations } = node;
    const userId = 'person' in step ? (people[step.person] ?? '') : '';
    const invitationId = 'invitation' in step ? (invitations[step.invitation] ?? '') : '';
    switch (step.act) {
      case 'assign':
        return outcome(seats.assignSeat(licenseId, userId, 'admin'));
      case 'release':
        await seats.releaseSeat(licenseId, userId, 'admin');
        return undefined;
      case 'reserve':
        return outcome(
          reservations.reserveSeat(licenseId, invitationId, new Date(Date.now() + 3_600_000), 'admin'),
        );
      case 'cancel':
        await reservations.cancelReservation(world.invitation(invitationId), 'admin');
        return undefined;
      case 'accept':
        return outcome(reservations.convertReservation(world.invitation(invitationId), userId, userId));
      case 'expire':
        await database.query(sql`
          UPDATE seat_reservations SET expires_at = now() WHERE invitation_id = ${invitationId}`);
        return undefined;
      case 'take-offline':
        await takeOffline(world, licenseId, step.seats);
        return undefined;
      case 'limit':
        await database.query(sql`
          UPDATE license_terms SET seat_limit = ${step.seats} WHERE license_id = ${licenseId}`);
        return undefined;
      case 'cool':
        await database.query(sql`
          UPDATE seat_assignments SET released_at = released_at - make_interval(secs => ${COOLDOWN})
           WHERE license_id = ${licenseId}`);
        return undefined;
    }
  }

  async function stored(licenseId: string): Promise<{ seated: string[]; kept: string[] }> {
    const [row] = await world.node.database.query<{ seated: string[]; kept: string[] }>(sql`
      SELECT ARRAY (SELECT user_id::text FROM seat_assignments
                     WHERE license_id = ${licenseId} AND released_at IS NULL ORDER BY user_id::text) AS seated,
             ARRAY (SELECT invitation_id::text FROM seat_reservations
                     WHERE license_id = ${licenseId} AND expires_at > now() ORDER BY invitation_id::text) AS kept`);
    return row ?? { seated: [], kept: [] };
  }
  const named3 = () => [randomUUID(), randomUUID(), randomUUID()];
  const license = (limit: number) => world.license({ ...named(limit), seatCooldownSeconds: COOLDOWN });

  it('every step is answered as the model says, in whichever order they come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anything, { minLength: 5, maxLength: 30 }),
        fc.integer({ min: 0, max: 4 }),
        async (steps, limit) => {
          const at = { licenseId: await license(limit), invitations: named3(), node: world.node };
          const model = new Model(limit);
          for (const step of steps) {
            const answer = await carryOut(step, at);
            expect([step, answer]).toEqual([step, model.apply(step)]);
            expect(await stored(at.licenseId)).toEqual({
              seated: [...model.seated].map((one) => people[one]).sort(),
              kept: [...model.kept].map((one) => at.invitations[one]).sort(),
            });
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  it('whatever is done at once on two nodes, no seat is given twice, and the audit rows replay to what is stored', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 8, maxLength: 20 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, limit) => {
          const licenseId = await license(limit);
          const invitations = named3();
          const traces = await world.traced(() =>
            Promise.all(
              steps.map((step, index) =>
                carryOut(step, { licenseId, invitations, node: world.nodes[index % 2] ?? world.node }),
              ),
            ),
          );
          const { seated, kept } = await stored(licenseId);
          expect(seated.length + kept.length).toBeLessThanOrEqual(limit);
          expect(await replayed(licenseId)).toEqual({ seated, kept });
          expect(traces.outbox).toHaveLength(traces.audit.length);
          const deciding = traces.audit.filter(({ act }) => ['seat.assign', 'seat.release'].includes(act));
          expect(traces.version).toBe(deciding.length);
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  /** Seats and reservations as the audit rows tell them. */
  async function replayed(licenseId: string): Promise<{ seated: string[]; kept: string[] }> {
    const rows = await world.node.database.query<{
      act: string;
      detail: { user: string; invitation?: string };
    }>(
      sql`SELECT act, detail FROM audit_events WHERE target = ${licenseId} AND act LIKE 'seat.%' ORDER BY id`,
    );
    const [seated, kept] = [new Set<string>(), new Set<string>()];
    for (const { act, detail } of rows) {
      if (act === 'seat.assign') seated.add(detail.user);
      if (act === 'seat.release') seated.delete(detail.user);
      if (act === 'seat.reserve') kept.add(detail.invitation ?? '');
      else if (detail.invitation !== undefined) kept.delete(detail.invitation);
    }
    return { seated: [...seated].sort(), kept: [...kept].sort() };
  }
});
