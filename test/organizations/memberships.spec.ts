import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { MOST_CUSTOM_ROLES, type Role } from '#accounts';
import { sql } from '#platform';
import { SecondFactorRuleRepository } from '#sessions';
import { eventually } from '../support/answers.js';
import { by, OrganizationWorld } from './organization-world.js';

jest.setTimeout(120_000);

const ROUNDS = 12;
const NOTHING = { audit: [], outbox: [] };

describe('who belongs to an organization', () => {
  let world: OrganizationWorld;
  beforeAll(async () => (world = await OrganizationWorld.create()));
  afterAll(() => world.close());

  const ownersOf = async (organizationId: string) =>
    Object.values(await world.rolesIn(organizationId)).filter((role) => role === 'owner').length;
  const refusedCodes = (results: PromiseSettledResult<unknown>[]) =>
    results.flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as { code: string }).code] : [],
    );

  describe('never without an owner', () => {
    it('of two owners who leave at once on two nodes one goes and one stays, every time', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { id, people } = await world.organization('owner', 'owner', 'member');
        const results = await Promise.allSettled(
          people
            .slice(0, 2)
            .map((userId, index) =>
              world.nodeFor(index).memberships.remove({ organizationId: id, userId }, by(userId)),
            ),
        );
        expect(refusedCodes(results)).toEqual(['last_owner']);
        expect(await ownersOf(id)).toBe(1);
      }
    });

    it('of two owners who demote each other at once one wins, every time', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { id, people } = await world.organization('owner', 'owner');
        const [one = '', two = ''] = people;
        const results = await Promise.allSettled([
          world
            .nodeFor(0)
            .memberships.changeRole({ organizationId: id, userId: two }, { role: 'member' }, by(one)),
          world
            .nodeFor(1)
            .memberships.changeRole({ organizationId: id, userId: one }, { role: 'member' }, by(two)),
        ]);
        expect(refusedCodes(results)).toHaveLength(1);
        expect(Object.values(await world.rolesIn(id)).toSorted()).toEqual(['member', 'owner']);
      }
    });

    it('whatever four owners do to each other at once', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { id, people } = await world.organization('owner', 'owner', 'owner', 'owner');
        const [a = '', b = '', c = '', d = ''] = people;
        const at = (userId: string) => ({ organizationId: id, userId });
        const results = await Promise.allSettled([
          world.nodeFor(0).memberships.remove(at(a), by(a)),
          world.nodeFor(1).memberships.changeRole(at(a), { role: 'billing' }, by(b)),
          world.nodeFor(0).memberships.remove(at(b), by(c)),
          world.nodeFor(1).memberships.transferOwnership(at(d), by(c)),
          world.nodeFor(0).memberships.changeRole(at(d), { role: 'member' }, by(d)),
          world.nodeFor(1).memberships.remove(at(c), by(d)),
          world.nodeFor(0).accountDeletion.request(b, by(b)),
        ]);
        expect(await ownersOf(id)).toBeGreaterThan(0);
        for (const code of refusedCodes(results)) {
          expect(['last_owner', 'access_denied', 'unknown_member', 'beyond_authority', '40P01']).toContain(
            code,
          );
        }
      }
    });

    it('an owner who is disabled, or about to be gone, is none', async () => {
      const { id, people } = await world.organization('owner', 'owner', 'owner');
      const [owner = '', disabled = '', going = ''] = people;
      await world.node.accounts.disableUser(disabled, 'test');
      await world.node.accountDeletion.request(going, by(going));
      await expect(
        world.node.memberships.remove({ organizationId: id, userId: owner }, by(owner)),
      ).rejects.toMatchObject({ status: 409, code: 'last_owner' });
    });

    it('under any order of acts by anybody', async () => {
      const roles: readonly Role[] = ['owner', 'administrator', 'billing', 'member'];
      const act = fc.record({
        actor: fc.nat(3),
        target: fc.nat(3),
        what: fc.constantFrom('remove', 'transfer', ...roles),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
          const { id, people } = await world.organization('owner', 'administrator', 'owner', 'member');
          for (const { actor, target, what } of acts) {
            const [who, whom] = [people[actor] ?? '', { organizationId: id, userId: people[target] ?? '' }];
            const before = await world.rolesIn(id);
            const { memberships } = world.node;
            const done = await (
              what === 'remove'
                ? memberships.remove(whom, by(who))
                : what === 'transfer'
                  ? memberships.transferOwnership(whom, by(who))
                  : memberships.changeRole(whom, { role: what }, by(who))
            ).then(
              () => true,
              () => false,
            );
            const after = await world.rolesIn(id);
            expect(Object.values(after)).toContain('owner');
            // who is no owner makes and unmakes none
            if (before[who] !== 'owner') {
              const owners = (all: Record<string, string>) =>
                Object.keys(all).filter((one) => all[one] === 'owner');
              expect(owners(after)).toEqual(owners(before));
            }
            if (!done) expect(after).toEqual(before);
          }
        }),
        { numRuns: 20 },
      );
    });
  });

  it('a role is changed with one audit row and one event, and giving it again changes nothing', async () => {
    const { id, people } = await world.organization('owner', 'member');
    const [owner = '', member = ''] = people;
    const change = () =>
      world.node.memberships.changeRole(
        { organizationId: id, userId: member },
        { role: 'billing' },
        by(owner),
      );
    expect(await world.traced(change)).toEqual({
      audit: [{ act: 'membership.change-role', actor: owner, target: member }],
      outbox: [{ kind: 'membership-changed', subject: member }],
    });
    expect(await world.traced(change)).toEqual(NOTHING);
    const [row] = await world.node.database.query(sql`
      SELECT address, factor, result, detail FROM audit_events
       WHERE act = 'membership.change-role' AND target = ${member}`);
    expect(row).toEqual({
      address: '192.0.2.1',
      factor: 'pwd',
      result: 'success',
      detail: { from: 'member', role: 'billing' },
    });
  });

  it('an administrator runs everybody but the owners; members and billing run nobody; strangers nothing', async () => {
    const { id, people } = await world.organization(
      'owner',
      'administrator',
      'member',
      'billing',
      'administrator',
    );
    const other = await world.organization('administrator');
    const [owner = '', admin = '', member = '', billing = '', second = ''] = people;
    const at = (userId: string) => ({ organizationId: id, userId });
    const { memberships } = world.node;
    const denied = (work: Promise<unknown>, code: string) => expect(work).rejects.toMatchObject({ code });
    expect(
      await world.traced(async () => {
        await denied(memberships.changeRole(at(owner), { role: 'member' }, by(admin)), 'beyond_authority');
        await denied(memberships.changeRole(at(member), { role: 'owner' }, by(admin)), 'beyond_authority');
        await denied(memberships.changeRole(at(admin), { role: 'owner' }, by(admin)), 'beyond_authority');
        await denied(memberships.remove(at(owner), by(admin)), 'beyond_authority');
        await denied(memberships.transferOwnership(at(member), by(admin)), 'access_denied');
        for (const actor of [member, billing, other.people[0] ?? '', randomUUID(), 'cli', "x' OR true --"]) {
          await denied(memberships.changeRole(at(second), { role: 'member' }, by(actor)), 'access_denied');
          await denied(memberships.remove(at(second), by(actor)), 'access_denied');
        }
        await denied(memberships.remove(at(randomUUID()), by(owner)), 'unknown_member');
        await denied(memberships.changeRole(at('x'), { role: 'member' }, by(owner)), 'unknown_member');
        await denied(memberships.changeRole(at(member), { role: 'king' as Role }, by(owner)), 'invalid_role');
        await denied(
          memberships.changeRole(at(member), { role: 'owner', customRoleId: randomUUID() }, by(owner)),
          'invalid_role',
        );
        await denied(
          memberships.changeRole(at(member), { role: 'member', customRoleId: randomUUID() }, by(owner)),
          'unknown_role',
        );
        await denied(memberships.transferOwnership(at(owner), by(owner)), 'own_ownership');
        await denied(memberships.transferOwnership(at(randomUUID()), by(owner)), 'unknown_member');
      }),
    ).toEqual(NOTHING);
    await memberships.changeRole(at(second), { role: 'member' }, by(admin));
    await memberships.remove(at(billing), by(admin));
    await memberships.remove(at(member), by(member));
    expect(await world.rolesIn(id)).toEqual({
      [owner]: 'owner',
      [admin]: 'administrator',
      [second]: 'member',
    });
  });

  it('nothing is done by a role that is being lost at that moment', async () => {
    const { id, people } = await world.organization('owner', 'owner');
    const [losing = '', other = ''] = people;
    const roleId = await world.node.roles.create(id, { name: 'Spare', permissions: [] }, by(other));
    const [asked, open] = [randomUUID(), randomUUID()];
    const invitee = (email: string) => ({ organizationId: id, email, role: 'member' as const });
    await world.node.database.transaction((on) =>
      world.node.invitations.invite(on, open, invitee('open@new.example'), by(other)),
    );
    const { database, roles, organizations, deletion, invitations } = world.nodeFor(1);
    const acts = [
      () => roles.create(id, { name: 'New', permissions: [] }, by(losing)),
      () => roles.change(id, roleId, { name: 'Changed', permissions: [] }, by(losing)),
      () => roles.delete(id, roleId, by(losing)),
      () => organizations.rename(id, { name: 'Taken over', key: `taken-${id}`.slice(0, 40) }, by(losing)),
      () => deletion.request(id, by(losing)),
      () => deletion.undo(id, by(losing)),
      () =>
        database.transaction((on) => invitations.invite(on, asked, invitee('late@new.example'), by(losing))),
      () => database.transaction((on) => invitations.withdraw(on, open, id, by(losing))),
      () =>
        database.transaction((on) =>
          invitations.resend(on, { id: open, newId: asked, organizationId: id }, by(losing)),
        ),
      () => new SecondFactorRuleRepository(database).set(id, false, by(losing)),
    ];
    for (const act of acts) {
      const outcome = await world.node.database.transaction(async (on) => {
        await on.query(sql`
          UPDATE memberships SET role = 'member' WHERE organization_id = ${id} AND user_id = ${losing}`);
        const refused = act().then(
          () => 'done',
          (error: unknown) => (error as { code: string }).code,
        );
        await eventually(async () => {
          const [row] = await database.query<{ waiting: number }>(sql`
            SELECT count(*)::int AS waiting FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'`);
          return row?.waiting === 1 ? true : undefined;
        }, 'the act waits for what becomes of the role');
        return { refused };
      });
      expect(await outcome.refused).toBe('access_denied');
      await world.node.database.query(sql`
        UPDATE memberships SET role = 'owner' WHERE organization_id = ${id} AND user_id = ${losing}`);
    }
  });

  it('of many roles that are made at once on two nodes no more are than an organization may have', async () => {
    const { id, people } = await world.organization('owner');
    const [owner = ''] = people;
    const make = (index: number) =>
      world.nodeFor(index).roles.create(id, { name: `Role number ${index}`, permissions: [] }, by(owner));
    for (let index = 0; index < MOST_CUSTOM_ROLES - 1; index += 1) await make(index);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const results = await Promise.allSettled(
        Array.from({ length: 12 }, (_, index) => make(round * MOST_CUSTOM_ROLES + index)),
      );
      expect(refusedCodes(results)).toEqual(Array<string>(11).fill('too_many_roles'));
      const roles = await world.node.roles.list(id);
      expect(roles).toHaveLength(MOST_CUSTOM_ROLES);
      await world.node.roles.delete(id, roles[0]?.id ?? '', by(owner));
    }
  });

  it('ownership goes to a member, and who had it becomes an administrator; of two transfers at once one counts', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { id, people } = await world.organization('owner', 'member', 'member');
      const [owner = '', one = '', two = ''] = people;
      const results = await Promise.allSettled(
        [one, two].map((userId, index) =>
          world.nodeFor(index).memberships.transferOwnership({ organizationId: id, userId }, by(owner)),
        ),
      );
      expect(refusedCodes(results)).toEqual(['access_denied']);
      const roles = await world.rolesIn(id);
      expect(roles[owner]).toBe('administrator');
      expect(await ownersOf(id)).toBe(1);
    }
  });

  it('is listed page by page by name, and found by a part of a name or an address', async () => {
    const { id, people } = await world.organization('owner', 'member', 'member', 'billing', 'administrator');
    const { memberships } = world.node;
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await memberships.list(id, { after, limit: 2 });
      seen.push(...page.members.map(({ userId }) => userId));
      after = page.next;
    } while (after !== undefined);
    expect(seen.toSorted()).toEqual(people.toSorted());
    const [somebody] = (await memberships.list(id, { limit: 100 })).members;
    const part = somebody?.email.slice(2, 10).toUpperCase() ?? '';
    const found = await memberships.list(id, { search: part, limit: 10 });
    expect(found.members.map(({ userId }) => userId)).toEqual([somebody?.userId]);
    // what means something in a pattern means itself
    for (const search of ['%', '_________________', '\\']) {
      expect((await memberships.list(id, { search, limit: 10 })).members).toEqual([]);
    }
    expect(await memberships.counts(id)).toEqual({ owner: 1, member: 2, billing: 1, administrator: 1 });
  });
});
