import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decide, OfflineGrantRepository, type NewLicense } from '#licensing';
import { sql } from '#platform';
import { administrationOf, databaseTime, inDays, planOf } from './license-administration.js';
import { LicensingWorld } from './licensing-world.js';

describe('the terms of licenses', () => {
  let world: LicensingWorld;
  let here: ReturnType<typeof administrationOf>;
  let pro = '';
  beforeAll(async () => {
    world = await LicensingWorld.create({ nodes: 2 });
    here = administrationOf(world.node);
    pro = (
      await world.node.catalog.createPlanVersion(
        { planKey: 'reports-pro', name: 'Pro', moduleKey: 'reports', features: { export: true, charts: 50 } },
        'seed',
      )
    ).id;
  });
  afterAll(() => world.close());

  const named = { seatModel: 'named', seatLimit: 10 } as const;

  async function seat(licenseId: string, count: number): Promise<string[]> {
    const people = await world.members(count);
    for (const person of people) await world.node.seats.assignSeat(licenseId, person, 'seed');
    return people;
  }

  /** After the instant, to the microsecond, at which the database wrote what came before. */
  const afterwards = () => new Date(Date.now() + 1);

  async function answer(userId: string, licenseId: string, at = afterwards(), feature?: string) {
    const snapshot = await world.node.licenses.snapshot(world.organizationId);
    const licenses = snapshot?.licenses.filter(({ id }) => id === licenseId) ?? [];
    const question = { userId, module: 'reports', environment: 'production' };
    return decide(
      snapshot && { ...snapshot, licenses },
      feature === undefined ? question : { ...question, feature },
      at,
    );
  }

  it('change now, and what is not told stays', async () => {
    const licenseId = await world.license(named);
    const changed = await here.terms.changeTerms({ licenseId, planVersionId: pro }, 'admin');
    expect(changed).toMatchObject({ licenseId, licenseVersion: 2 });
    const [ada = ''] = await seat(licenseId, 1);
    expect(await answer(ada, licenseId, afterwards(), 'charts')).toMatchObject({ code: 'OK', limit: 50 });
    const { terms } = await here.details.find(licenseId);
    expect(terms).toMatchObject([
      { planVersionId: world.plan.id, ...named },
      { planVersionId: pro, ...named },
    ]);
    await here.terms.changeTerms({ licenseId, planVersionId: world.plan.id, seatLimit: 12 }, 'admin');
    expect(await answer(ada, licenseId, afterwards(), 'charts')).toMatchObject({ code: 'OK', limit: 5 });
  });

  it('change at a later instant without a job: the snapshot carries it and decisions turn at its first millisecond', async () => {
    const licenseId = await world.license();
    const upgrade = inDays(30);
    await here.terms.changeTerms({ licenseId, planVersionId: pro, effectiveAt: upgrade }, 'admin');
    const before = await answer('ada', licenseId, new Date(upgrade.getTime() - 1), 'charts');
    expect(before).toMatchObject({ limit: 5, nextTransitionAt: upgrade });
    expect(await answer('ada', licenseId, upgrade, 'charts')).toMatchObject({ limit: 50 });
  });

  it('scheduled are listed, called off before they begin, and replaced by another change of that instant', async () => {
    const licenseId = await world.license(named);
    const [soon, late] = [inDays(10), inDays(20)];
    await here.terms.changeTerms({ licenseId, planVersionId: pro, effectiveAt: soon }, 'admin');
    await here.terms.changeTerms({ licenseId, seatLimit: 3, effectiveAt: late }, 'admin');
    await here.terms.changeTerms({ licenseId, seatLimit: 30 }, 'admin');
    await here.terms.changeTerms({ licenseId, seatLimit: 4, effectiveAt: late }, 'admin');
    expect(await here.terms.scheduledChanges(licenseId)).toEqual([
      { effectiveAt: soon.toISOString(), planVersionId: pro, ...named, seatLimit: 30, surplusUntil: null },
      { effectiveAt: late.toISOString(), planVersionId: pro, ...named, seatLimit: 4, surplusUntil: null },
    ]);
    await here.terms.cancelChange({ licenseId, effectiveAt: soon }, 'admin');
    expect(await here.terms.scheduledChanges(licenseId)).toMatchObject([
      { effectiveAt: late.toISOString(), planVersionId: world.plan.id, seatLimit: 4 },
    ]);
    await expect(here.terms.cancelChange({ licenseId, effectiveAt: soon }, 'admin')).rejects.toMatchObject({
      status: 404,
      code: 'unknown_change',
    });
    const [first] = (await here.details.find(licenseId)).terms;
    await expect(
      here.terms.cancelChange({ licenseId, effectiveAt: new Date(first?.effectiveAt ?? '') }, 'admin'),
    ).rejects.toMatchObject({ status: 409, code: 'change_has_begun' });
    expect(await here.terms.scheduledChanges(await world.license())).toEqual([]);
  });

  it('of a license that has not started change when it starts', async () => {
    const startsAt = inDays(40);
    const licenseId = await world.license({ ...named, startsAt });
    await here.terms.changeTerms({ licenseId, seatLimit: 7 }, 'admin');
    await here.terms.changeTerms({ licenseId, planVersionId: pro, effectiveAt: inDays(3) }, 'admin');
    const terms = [
      { effectiveAt: startsAt.toISOString(), planVersionId: pro, ...named, seatLimit: 7, surplusUntil: null },
    ];
    expect((await here.details.find(licenseId)).terms).toEqual(terms);
    await expect(
      here.terms.cancelChange({ licenseId, effectiveAt: startsAt }, 'admin'),
    ).rejects.toMatchObject({ code: 'change_has_begun' });
    await seat(licenseId, 7);
    await expect(
      here.terms.changeTerms({ licenseId, seatLimit: 6, effectiveAt: startsAt }, 'admin'),
    ).rejects.toMatchObject({ code: 'seats_in_use' });
  });

  it('are never two of one millisecond, which a snapshot could not tell apart', async () => {
    const licenseId = await world.license(named);
    const changes = Array.from({ length: 20 }, (_, index) =>
      here.terms.changeTerms({ licenseId, seatLimit: 20 + index }, 'admin'),
    );
    await Promise.all(changes);
    expect(await world.node.licenses.snapshot(world.organizationId)).toBeDefined();
    expect((await here.details.find(licenseId)).version).toBe(21);
  });

  it('are at most 200 for a license', async () => {
    const licenseId = await world.license(named);
    const whole = Math.floor(Date.now() / 1000) * 1000;
    for (let index = 1; index < 200; index += 1) {
      const effectiveAt = new Date(whole + index * 1000 + 60_000);
      await here.terms.changeTerms({ licenseId, seatLimit: index, effectiveAt }, 'admin');
    }
    await expect(
      here.terms.changeTerms({ licenseId, seatLimit: 1, effectiveAt: inDays(9) }, 'admin'),
    ).rejects.toMatchObject({ status: 409, code: 'too_many_changes' });
  });

  describe('with fewer seats than are in use', () => {
    it('are refused now, with the number in use', async () => {
      const licenseId = await world.license(named);
      await seat(licenseId, 8);
      await expect(here.terms.changeTerms({ licenseId, seatLimit: 7 }, 'admin')).rejects.toMatchObject({
        status: 409,
        code: 'seats_in_use',
        publicMessage: expect.stringContaining('8 seats are in use, more than the 7'),
      });
      await here.terms.changeTerms({ licenseId, seatLimit: 8 }, 'admin');
      expect((await here.details.find(licenseId)).terms.at(-1)?.seatLimit).toBe(8);
    });

    it('are refused for what reservations and offline files hold as well, while they hold it', async () => {
      const licenseId = await world.license(named);
      const people = await seat(licenseId, 2);
      // the leases among what is held are of floating seats, which this license has none of
      await world.hold(licenseId, people, inDays(1));
      await expect(here.terms.changeTerms({ licenseId, seatLimit: 6 }, 'admin')).rejects.toMatchObject({
        publicMessage: expect.stringContaining('7 seats are in use, more than the 6'),
      });
      await here.terms.changeTerms({ licenseId, seatLimit: 7 }, 'admin');
      const other = await world.license(named);
      await world.hold(other, people, inDays(-1));
      await here.terms.changeTerms({ licenseId: other, seatLimit: 0 }, 'admin');
    });

    it('are taken later, when the longest seated stay and nobody new gets in', async () => {
      const licenseId = await world.license(named);
      const people = await seat(licenseId, 8);
      const effectiveAt = inDays(30);
      await here.terms.changeTerms({ licenseId, seatLimit: 5, effectiveAt }, 'admin');
      const codes = async (at: Date) =>
        Promise.all(people.map(async (person) => (await answer(person, licenseId, at)).code));
      expect(new Set(await codes(new Date(effectiveAt.getTime() - 1)))).toEqual(new Set(['OK']));
      const then = await codes(effectiveAt);
      expect(then).toEqual([...Array<string>(5).fill('OK'), ...Array<string>(3).fill('OVER_ALLOCATED')]);
      expect(await world.seated(licenseId)).toBe(8);
    });

    it('are forced with a deadline: those seated stay until then, and a later change of plan does not end that', async () => {
      const licenseId = await world.license(named);
      const people = await seat(licenseId, 8);
      const last = people[7] ?? '';
      const surplusUntil = inDays(14);
      await here.terms.changeTerms({ licenseId, seatLimit: 5, surplusUntil }, 'admin');
      await here.terms.changeTerms({ licenseId, planVersionId: pro }, 'admin');
      expect((await answer(last, licenseId, new Date(surplusUntil.getTime() - 1))).code).toBe('OK');
      expect((await answer(last, licenseId, surplusUntil)).code).toBe('OVER_ALLOCATED');
      expect((await answer('eve', licenseId)).code).toBe('OVER_ALLOCATED');
      const [newcomer = ''] = await world.members(1);
      await expect(world.node.seats.assignSeat(licenseId, newcomer, 'admin')).rejects.toMatchObject({
        code: 'OVER_ALLOCATED',
      });
      expect(await world.seated(licenseId)).toBe(8);
    });

    it('leave to those here what license files did not take along, when the surplus has to go', async () => {
      const licenseId = await world.license(named);
      const people = await seat(licenseId, 4);
      const [deadline, fileEnds] = [inDays(14), inDays(20)];
      const grants = new OfflineGrantRepository(world.node.database);
      const grant = (instance: string, expiresAt: Date) =>
        grants.grant({ licenseId, instance, seatBlock: 2, expiresAt }, 'seed');
      const { id } = await grant('ship', fileEnds);
      const { id: returned } = await grant('barge', fileEnds);
      await grants.return(returned, 'seed');
      await here.terms.changeTerms({ licenseId, seatLimit: 3, surplusUntil: deadline }, 'admin');
      const codes = async (at: Date) =>
        Promise.all(people.map(async (person) => (await answer(person, licenseId, at)).code));
      expect(new Set(await codes(new Date(deadline.getTime() - 1)))).toEqual(new Set(['OK']));
      const [first, ...others] = await codes(deadline);
      expect([first, new Set(others)]).toEqual(['OK', new Set(['OVER_ALLOCATED'])]);
      const [granted] = await world.node.database.query<{ expires_at: Date }>(sql`
        SELECT expires_at FROM offline_grants WHERE id = ${id}`);
      const ends = granted?.expires_at ?? fileEnds;
      expect((await answer(people[1] ?? '', licenseId, deadline)).nextTransitionAt).toEqual(ends);
      expect(await codes(ends)).toEqual(['OK', 'OK', 'OK', 'OVER_ALLOCATED']);
      await grants.return(id, 'seed');
      expect(await codes(deadline)).toEqual(['OK', 'OK', 'OK', 'OVER_ALLOCATED']);
      expect(await world.seated(licenseId)).toBe(4);
    });

    it('and expired: EXPIRED for those who stay, those who go and those who never sat', async () => {
      const licenseId = await world.license({ ...named, endsAt: inDays(20), graceDays: 5 });
      const people = await seat(licenseId, 8);
      await here.terms.changeTerms({ licenseId, seatLimit: 5, surplusUntil: inDays(100) }, 'admin');
      for (const person of [people[0] ?? '', people[7] ?? '', 'eve']) {
        expect((await answer(person, licenseId, inDays(25.1))).code).toBe('EXPIRED');
      }
      expect((await answer('eve', licenseId, inDays(21))).code).toBe('OVER_ALLOCATED');
      expect((await answer(people[7] ?? '', licenseId, inDays(21))).code).toBe('OK_GRACE');
    });
  });

  describe('with another seat model', () => {
    const lease = (licenseId: string, userId: string, node = world.node, device = 'desk') =>
      node.leases.acquireLease({ licenseId, userId, device }, userId);
    const inUse = (seats: string) => ({
      ...{ status: 409, code: 'seats_in_use', publicMessage: expect.stringContaining(seats) },
    });
    const floating = (seatLimit: number) => ({ seatModel: 'floating', seatLimit }) as const;

    it('are refused now when fewer seats float than are named, kept and away, with nothing changed', async () => {
      const licenseId = await world.license(named);
      const people = await seat(licenseId, 3);
      await world.hold(licenseId, [], inDays(1));
      const change = (seatLimit: number, more = {}) =>
        here.terms.changeTerms({ licenseId, ...floating(seatLimit), ...more }, 'admin');
      expect(
        await world.traced(async () => {
          await expect(change(7)).rejects.toMatchObject(inUse('8 seats are in use, more than the 7'));
          // nobody's floating seat can be a surplus, so the sentence offers none
          await expect(change(7)).rejects.toMatchObject({
            publicMessage: expect.not.stringContaining('until when'),
          });
        }),
      ).toEqual({ version: 0, audit: [], outbox: [] });
      for (const person of people) expect((await answer(person, licenseId)).code).toBe('OK');
      await change(8);
      // later it is taken, as any other change below what is in use
      const later = await world.license(named);
      await seat(later, 3);
      await here.terms.changeTerms({ licenseId: later, ...floating(1), effectiveAt: inDays(1) }, 'admin');
    });

    it('are refused now when fewer seats are named than were left from before', async () => {
      const licenseId = await world.license(named);
      const people = await seat(licenseId, 3);
      for (const seats of [3, 2]) {
        await here.terms.changeTerms({ licenseId, ...floating(seats) }, 'admin');
      }
      const back = (seatLimit: number) =>
        here.terms.changeTerms({ licenseId, seatModel: 'named', seatLimit }, 'admin');
      await expect(back(2)).rejects.toMatchObject(inUse('3 seats are in use, more than the 2'));
      await world.node.seats.releaseSeat(licenseId, people[2] ?? '', 'admin');
      await back(2);
      expect((await answer(people[0] ?? '', licenseId)).code).toBe('OK');
      await here.terms.changeTerms({ licenseId, seatModel: 'unlimited' }, 'admin');
      await expect(back(1)).rejects.toMatchObject(inUse('2 seats are in use'));
      await back(2);
    });

    it('give who holds a floating seat a named one, or are refused when these are fewer', async () => {
      const licenseId = await world.license(floating(3));
      const [ann = '', ben = '', gone = '', eve = ''] = await world.members(4);
      // who came first is to stay, also when they work at two places
      for (const who of [ben, ann]) await lease(licenseId, who);
      await lease(licenseId, ann, world.node, 'laptop');
      const change = (seatLimit: number, more = {}) =>
        here.terms.changeTerms({ licenseId, seatModel: 'named', seatLimit, ...more }, 'admin');
      expect(
        await world.traced(async () => {
          for (const seatLimit of [0, 1]) {
            await expect(change(seatLimit)).rejects.toMatchObject(inUse('2 seats are in use'));
          }
          await world.node.leases.heartbeat({ licenseId, userId: ben, device: 'desk' }, 1);
        }),
      ).toEqual({ version: 0, audit: [], outbox: [] });
      const traces = await world.traced(() => change(2));
      expect(traces.audit.map(({ act, actor }) => [act, actor])).toEqual([
        ['seat.assign', 'admin'],
        ['seat.assign', 'admin'],
        ['license.change-terms', 'admin'],
      ]);
      expect(traces.outbox.map(({ kind }) => kind).toSorted()).toEqual([
        ...['license-changed', 'seat-assigned', 'seat-assigned'],
      ]);
      expect((await here.history.stateAt(licenseId, inDays(1))).license).toMatchObject({
        seats: [ann, ben].toSorted(),
      });
      for (const who of [ann, ben]) expect((await answer(who, licenseId)).code).toBe('OK');
      expect((await answer(gone, licenseId)).code).toBe('SEAT_REQUIRED');
      await expect(world.node.seats.assignSeat(licenseId, eve, 'admin')).rejects.toMatchObject({
        code: 'SEATS_EXHAUSTED',
      });
    });

    it('forced leave those who held floating seats in until the deadline, and then who came first', async () => {
      const licenseId = await world.license(floating(3));
      const [ann = '', ben = '', eve = ''] = await world.members(3);
      for (const who of [ben, ann]) await lease(licenseId, who);
      const surplusUntil = inDays(7);
      await here.terms.changeTerms({ licenseId, ...named, seatLimit: 1, surplusUntil }, 'admin');
      const codes = async (at: Date) =>
        Promise.all([ben, ann, eve].map(async (who) => (await answer(who, licenseId, at)).code));
      expect(await codes(new Date(surplusUntil.getTime() - 1))).toEqual(['OK', 'OK', 'OVER_ALLOCATED']);
      expect(await codes(surplusUntil)).toEqual(['OK', 'OVER_ALLOCATED', 'OVER_ALLOCATED']);
    });

    it('give no seat to who has left, nor for a floating seat that has expired', async () => {
      const licenseId = await world.license(floating(3));
      const [left = '', late = ''] = await world.members(2);
      for (const who of [left, late]) await lease(licenseId, who);
      await world.node.database.query(sql`DELETE FROM memberships WHERE user_id = ${left}`);
      await world.node.database.query(sql`
        UPDATE seat_leases SET expires_at = now() - interval '1 second' WHERE user_id = ${late}`);
      await here.terms.changeTerms({ licenseId, ...named, seatLimit: 0 }, 'admin');
      expect(await world.seated(licenseId)).toBe(0);
    });

    it('racing floating seats on another node let nobody in beyond them and put nobody out, 20 times', async () => {
      const there = world.nodes[1] ?? world.node;
      const people = await world.members(4);
      for (let round = 0; round < 20; round += 1) {
        const licenseId = await world.license(floating(4));
        const [first = '', ...others] = people;
        await lease(licenseId, first);
        const [changed, ...leased] = await Promise.allSettled([
          here.terms.changeTerms({ licenseId, ...named, seatLimit: 2 }, 'admin'),
          ...others.map((who) => lease(licenseId, who, there)),
        ]);
        const held = [first, ...others.filter((_, index) => leased[index]?.status === 'fulfilled')];
        if (changed.status === 'fulfilled') {
          expect(held.length).toBeLessThanOrEqual(2);
          expect(await world.seated(licenseId)).toBe(held.length);
          for (const who of held) expect((await answer(who, licenseId)).code).toBe('OK');
          for (const one of leased.filter(({ status }) => status === 'rejected')) {
            expect(one).toMatchObject({ reason: { code: 'no_leases' } });
          }
        } else {
          expect(changed.reason).toMatchObject({ code: 'seats_in_use' });
          expect(held).toHaveLength(4);
          expect(await world.seated(licenseId)).toBe(0);
        }
      }
    }, 60_000);

    it('racing an assignment on another node let one of both through and never both, 20 times', async () => {
      const there = world.nodes[1] ?? world.node;
      const [ann = '', ben = '', eve = ''] = await world.members(3);
      for (let round = 0; round < 20; round += 1) {
        const licenseId = await world.license(named);
        for (const who of [ann, ben]) await world.node.seats.assignSeat(licenseId, who, 'seed');
        const [changed, assigned] = await Promise.allSettled([
          here.terms.changeTerms({ licenseId, ...floating(2) }, 'admin'),
          there.seats.assignSeat(licenseId, eve, 'admin'),
        ]);
        expect([changed.status, assigned.status].toSorted()).toEqual(['fulfilled', 'rejected']);
        if (changed.status === 'rejected') expect(changed.reason).toMatchObject({ code: 'seats_in_use' });
        if (assigned.status === 'rejected') expect(assigned.reason).toMatchObject({ code: 'no_seats' });
      }
    }, 60_000);
  });

  describe('racing an assignment from another node', () => {
    const settle = (
      licenseId: string,
      newcomer: string,
      change: { seatLimit: number; surplusUntil?: Date },
    ) => {
      const there = world.nodes[1] ?? world.node;
      return Promise.allSettled([
        here.terms.changeTerms({ licenseId, ...change }, 'admin'),
        there.seats.assignSeat(licenseId, newcomer, 'admin'),
      ]);
    };

    async function filled(newcomers: number, changes: Partial<NewLicense> = named) {
      const licenseId = await world.license(changes);
      const people = await world.members(newcomers);
      for (const person of eight) await world.node.seats.assignSeat(licenseId, person, 'seed');
      return { licenseId, people };
    }

    let eight: string[] = [];
    beforeAll(async () => {
      eight = await world.members(8);
    });

    it('10 to 5 with 8 seated is refused, whoever comes first, 50 times', async () => {
      for (let round = 0; round < 50; round += 1) {
        const { licenseId, people } = await filled(1);
        const [shrunk, assigned] = await settle(licenseId, people[0] ?? '', { seatLimit: 5 });
        expect(shrunk).toMatchObject({ status: 'rejected', reason: { code: 'seats_in_use' } });
        expect(assigned.status).toBe('fulfilled');
        expect(await world.seated(licenseId)).toBe(9);
      }
    }, 60_000);

    it('10 to 5 forced ends over-allocated, with nothing deleted and nobody let in after it, 50 times', async () => {
      for (let round = 0; round < 50; round += 1) {
        const { licenseId, people } = await filled(2);
        const [newcomer = '', latecomer = ''] = people;
        const surplusUntil = inDays(7);
        const [shrunk, assigned] = await settle(licenseId, newcomer, { seatLimit: 5, surplusUntil });
        expect(shrunk.status).toBe('fulfilled');
        const seated = await world.seated(licenseId);
        expect(seated).toBe(assigned.status === 'fulfilled' ? 9 : 8);
        if (assigned.status === 'rejected') {
          expect(assigned.reason).toMatchObject({ code: 'OVER_ALLOCATED' });
        }
        const { entries } = await here.history.timeline(licenseId);
        expect(entries[0]?.act).toBe('license.change-terms');
        await expect(world.node.seats.assignSeat(licenseId, latecomer, 'admin')).rejects.toMatchObject({
          code: 'OVER_ALLOCATED',
        });
        expect((await answer(latecomer, licenseId)).code).toBe('OVER_ALLOCATED');
      }
    }, 60_000);

    it('10 to 8 with 8 seated lets one of both through and never both, 50 times', async () => {
      for (let round = 0; round < 50; round += 1) {
        const { licenseId, people } = await filled(1);
        const results = await settle(licenseId, people[0] ?? '', { seatLimit: 8 });
        expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
        const [shrunk] = results;
        expect(await world.seated(licenseId)).toBe(shrunk.status === 'fulfilled' ? 8 : 9);
      }
    }, 60_000);
  });

  describe('and renewals', () => {
    it('set a later end, by the last day where the customer lives or by the instant, and revive what has expired', async () => {
      const licenseId = await world.license({ timeZone: 'America/Los_Angeles', endsAt: inDays(10) });
      const renewed = await here.terms.renew({ licenseId, lastDay: '2031-12-31', graceDays: 3 }, 'admin');
      expect(renewed.licenseVersion).toBe(2);
      expect(await here.details.find(licenseId)).toMatchObject({
        ...{ endsAt: '2032-01-01T08:00:00.000Z', lastDay: '2031-12-31', graceDays: 3, version: 2 },
      });
      await here.terms.renew({ licenseId, endsAt: null }, 'admin');
      expect(await here.details.find(licenseId)).toMatchObject({ endsAt: null, lastDay: null });

      const ended = await world.license({ graceDays: 0 });
      await world.end(ended, new Date(Date.now() - 60_000));
      expect((await answer('ada', ended)).code).toBe('EXPIRED');
      await here.terms.renew({ licenseId: ended, endsAt: inDays(30) }, 'admin');
      expect((await answer('ada', ended)).code).toBe('OK');
    });

    it('shorten only when told to, and never into the past', async () => {
      const licenseId = await world.license({ endsAt: inDays(30) });
      const renew = (renewal: object) => here.terms.renew({ licenseId, ...renewal }, 'admin');
      await expect(renew({ endsAt: inDays(29) })).rejects.toMatchObject({
        status: 409,
        code: 'would_shorten',
      });
      await expect(renew({ endsAt: inDays(-1) })).rejects.toMatchObject({ status: 400 });
      await expect(renew({ endsAt: inDays(-1), shorten: true })).rejects.toMatchObject({
        status: 400,
        code: 'invalid_license',
      });
      expect((await here.details.find(licenseId)).version).toBe(1);
      const sooner = inDays(5);
      await renew({ endsAt: sooner, shorten: true });
      expect((await here.details.find(licenseId)).endsAt).toBe(sooner.toISOString());
      const endless = await world.license({ endsAt: null });
      await expect(
        here.terms.renew({ licenseId: endless, lastDay: '2099-12-31' }, 'admin'),
      ).rejects.toMatchObject({ publicMessage: expect.stringContaining('without an end') });
    });
  });

  describe('and overrides', () => {
    it('are ended early and removed, and a decision follows at once', async () => {
      const { licenses } = world.node;
      const licenseId = await world.license();
      const limit = async () => (await answer('ada', licenseId, afterwards(), 'charts')).limit;
      const override = { licenseId, feature: 'charts', value: 99, startsAt: inDays(-1), endsAt: inDays(9) };
      await licenses.setOverride(override, 'admin');
      expect(await limit()).toBe(99);
      await licenses.endOverride({ licenseId, feature: 'charts', endsAt: inDays(3) }, 'admin');
      expect(await limit()).toBe(99);
      const end = licenses.endOverride({ licenseId, feature: 'charts', endsAt: inDays(4) }, 'admin');
      await expect(end).rejects.toMatchObject({ status: 400, code: 'invalid_override' });
      await licenses.endOverride({ licenseId, feature: 'charts' }, 'admin');
      await databaseTime(world.node);
      expect(await limit()).toBe(5);
      await expect(licenses.endOverride({ licenseId, feature: 'charts' }, 'admin')).rejects.toMatchObject({
        status: 404,
        code: 'unknown_override',
      });
      await licenses.setOverride({ ...override, value: 'REMOVED' }, 'admin');
      expect((await answer('ada', licenseId, afterwards(), 'charts')).code).toBe('FEATURE_NOT_INCLUDED');
      await licenses.removeOverride({ licenseId, feature: 'charts' }, 'admin');
      expect(await limit()).toBe(5);
      await expect(licenses.removeOverride({ licenseId, feature: 'charts' }, 'admin')).rejects.toMatchObject({
        status: 404,
        code: 'unknown_override',
      });
    });
  });

  describe('and plan versions', () => {
    it('leave licenses where they are: a query tells how many are on which, and moving one is a change of terms', async () => {
      const { catalog } = world.node;
      const first = await planOf(world, 'reports-grandfathered');
      const licenseIds = [];
      for (let index = 0; index < 3; index += 1) {
        licenseIds.push(await world.license({ planVersionId: first }));
      }
      const second = await catalog.createPlanVersion(
        { planKey: 'reports-grandfathered', name: 'New', moduleKey: 'reports', features: { charts: 1 } },
        'seed',
      );
      const counts = async () =>
        (await here.plans.adoption('reports'))
          .filter(({ planKey }) => planKey === 'reports-grandfathered')
          .map(({ version, licenses, scheduled }) => [version, licenses, scheduled]);
      expect(await counts()).toEqual([
        [1, 3, 0],
        [2, 0, 0],
      ]);
      const [one = '', two = '', three = ''] = licenseIds;
      await here.terms.changeTerms({ licenseId: one, planVersionId: second.id }, 'admin');
      await here.terms.changeTerms(
        { licenseId: two, planVersionId: second.id, effectiveAt: inDays(9) },
        'admin',
      );
      expect(await counts()).toEqual([
        [1, 2, 0],
        [2, 1, 1],
      ]);
      expect(await here.plans.licensesOn(first)).toEqual([two, three].toSorted());
      await world.node.licenses.changeStatus(three, 'cancelled', 'admin');
      expect(await here.plans.licensesOn(first)).toEqual([two]);
      expect(await here.plans.licensesOn(first, two)).toEqual([]);
      expect((await counts())[0]).toEqual([1, 1, 0]);
    });
  });
});
