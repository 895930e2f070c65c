import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { sql } from '#platform';
import { by, OrganizationWorld } from './organization-world.js';

jest.setTimeout(120_000);

describe('the last owner of an organization, on two nodes', () => {
  let world: OrganizationWorld;
  beforeAll(async () => (world = await OrganizationWorld.create()));
  afterAll(() => world.close());

  /** What two owners of an organization do at the same moment on two nodes, and what came of it. */
  const atOnce = async (
    acts: (organizationId: string, mine: string, other: string) => Promise<unknown>[],
  ) => {
    const { id, people } = await world.organization('owner', 'owner');
    const [mine = '', other = ''] = people;
    const outcomes = await Promise.allSettled(acts(id, mine, other));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ status: expect.any(Number) });
    }
    const owners = await world.node.database.query<{ lasting: boolean }>(sql`
      SELECT u.deletion_at IS NULL AS lasting FROM memberships m JOIN users u ON u.id = m.user_id
       WHERE m.organization_id = ${id} AND m.role = 'owner'`);
    return {
      done: outcomes.filter(({ status }) => status === 'fulfilled').length,
      lasting: owners.filter(({ lasting }) => lasting).length,
    };
  };
  const [here, there] = [() => world.nodeFor(0), () => world.nodeFor(1)];

  it('of the two owners of an organization who ask at once on two nodes, one is told that they are needed', async () => {
    for (let round = 0; round < 20; round += 1) {
      const outcome = await atOnce((_, mine, other) => [
        here().accountDeletion.request(mine, by(mine)),
        there().accountDeletion.request(other, by(other)),
      ]);
      expect([round, outcome]).toEqual([round, { done: 1, lasting: 1 }]);
    }
  });

  it('an owner who asks while the other one leaves, steps down or is made a member: one of both stays owner', async () => {
    const acts = [
      (organizationId: string, userId: string) =>
        there().memberships.remove({ organizationId, userId }, by(userId)),
      (organizationId: string, userId: string) =>
        there().memberships.changeRole({ organizationId, userId }, { role: 'member' }, by(userId)),
    ];
    for (let round = 0; round < 30; round += 1) {
      const outcome = await atOnce((id, mine, other) => [
        here().accountDeletion.request(mine, by(mine)),
        acts[round % acts.length]?.(id, other) ?? Promise.reject(new Error('no act')),
      ]);
      expect([round, outcome]).toEqual([round, { done: 1, lasting: 1 }]);
    }
  });

  it('nobody is handed an organization while they ask for the deletion of their account', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { id, people } = await world.organization('owner', 'member');
      const [owner = '', member = ''] = people;
      const whom = { organizationId: id, userId: member };
      const outcomes = await Promise.allSettled([
        there().memberships.transferOwnership(whom, by(owner)),
        here().accountDeletion.request(member, by(member)),
      ]);
      expect([round, outcomes.filter(({ status }) => status === 'fulfilled').length]).toEqual([round, 1]);
    }
  });

  it('no organization is kept for an owner who asks for the deletion of their account meanwhile', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { id, people } = await world.organization('owner', 'member');
      const [owner = ''] = people;
      await here().deletion.request(id, by(owner));
      const outcomes = await Promise.allSettled([
        here().accountDeletion.request(owner, by(owner)),
        // of several statements the other one is the longer, and would never be first
        (async () => {
          for (let waits = 0; waits < round % 5; waits += 1) await there().database.query(sql`SELECT`);
          await there().deletion.undo(id, by(owner));
        })(),
      ]);
      expect([round, outcomes.filter(({ status }) => status === 'fulfilled').length]).toEqual([round, 1]);
      const refused = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
      expect(refused.reason).toMatchObject({ status: 409 });
      const [state] = await world.node.database.query(sql`
        SELECT (SELECT deletion_at IS NULL FROM organizations WHERE id = ${id}) AS kept,
               (SELECT deletion_at IS NULL FROM users WHERE id = ${owner}) AS lasting`);
      expect([round, state]).toEqual([round, expect.objectContaining({ kept: expect.any(Boolean) })]);
      const { kept, lasting } = state as { kept: boolean; lasting: boolean };
      expect([round, kept]).toEqual([round, lasting]);
    }
  });

  it('an owner who is about to be gone keeps an organization when another one stays, and their own account first when none does', async () => {
    const { id, people } = await world.organization('owner', 'owner');
    const [going = '', staying = ''] = people;
    await here().deletion.request(id, by(going));
    await here().accountDeletion.request(going, by(going));
    await here().deletion.undo(id, by(going));
    await here().deletion.request(id, by(going));
    await here().accountDeletion.request(staying, by(staying));
    const undo = () => here().deletion.undo(id, by(going));
    await expect(undo()).rejects.toMatchObject({ status: 409, code: 'account_ending' });
    await here().accountDeletion.undo(going, by(going));
    await undo();
    await expect(undo()).rejects.toMatchObject({ status: 409, code: 'no_deletion' });
  });

  it('many owners of organizations that they share, who all ask at once, do not block each other', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { people } = await world.organization('owner', 'owner', 'owner', 'owner');
      for (const pair of [people.slice(0, 2), people.slice(1, 3), people.slice(2), [...people].reverse()]) {
        const { id } = await world.organization('owner');
        for (const userId of pair) {
          await world.node.accounts.addMember({ userId, organizationId: id, role: 'owner' }, 'seed');
        }
      }
      const asked = await Promise.allSettled(
        people.map((userId, index) => world.nodeFor(index).accountDeletion.request(userId, by(userId))),
      );
      expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    }
  });

  it('nobody creates an organization while they ask for the deletion of their account', async () => {
    for (let round = 0; round < 10; round += 1) {
      const userId = await world.person();
      const outcomes = await Promise.allSettled([
        here().accountDeletion.request(userId, by(userId)),
        there().organizations.create({ name: `Late ${round} of ${userId}` }, userId, by(userId)),
      ]);
      expect([round, outcomes.filter(({ status }) => status === 'fulfilled').length]).toEqual([round, 1]);
    }
  });
});
