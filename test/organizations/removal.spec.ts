import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { sql } from '#platform';
import { by, OrganizationWorld } from './organization-world.js';

jest.setTimeout(120_000);

const A_DAY = 86_400_000;
const BROWSER = { userAgent: 'a browser', address: '192.0.2.7' };

describe('the end of accounts and organizations', () => {
  let world: OrganizationWorld;
  beforeAll(async () => (world = await OrganizationWorld.create({ CORE_AUTH_DELETION_GRACE_DAYS: '3' })));
  afterAll(() => world.close());

  const inDays = (days: number) => new Date(world.clock.now().getTime() + days * A_DAY);
  const isThere = async (userId: string) => (await world.node.accounts.userById(userId)) !== undefined;
  const sweepPeople = () => Promise.all(world.nodes.map(({ accountRemoval }) => accountRemoval.sweep(100)));
  const startSession = (userId: string) =>
    world.node.database.query(sql`
      INSERT INTO sessions (id, secret_sha256, user_id, amr, auth_time, last_seen_at, expires_at,
                            browser_envelope)
      VALUES (${randomUUID()}, ${Buffer.from(randomUUID())}, ${userId}, '{pwd}', now(), now(),
              now() + interval '90 days', ${world.browsers.seal(userId, BROWSER)})`);

  it('the only owner of organizations is told which ones need another first, and nothing happens', async () => {
    const [one, two, shared] = [
      await world.organization('owner', 'member'),
      await world.organization('owner'),
      await world.organization('owner', 'owner'),
    ];
    const [userId = ''] = one.people;
    for (const { id } of [two, shared]) {
      await world.node.accounts.addMember({ userId, organizationId: id, role: 'owner' }, 'seed');
    }
    // the other owner of one has been disabled
    await world.node.accounts.disableUser(two.people[0] ?? '', 'test');
    const refusal = await world.node.accountDeletion
      .request(userId, by(userId))
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ status: 409, code: 'last_owner' });
    const { organizations } = refusal as { organizations: { id: string }[] };
    expect(organizations.map(({ id }) => id).toSorted()).toEqual([one.id, two.id].toSorted());
    expect(await world.node.accountDeletion.deletionAt(userId)).toBeUndefined();
    // one that is about to be deleted needs none
    await world.node.deletion.request(one.id, by(userId));
    await world.node.deletion.request(two.id, by(userId));
    expect(await world.node.accountDeletion.request(userId, by(userId))).toEqual(inDays(3));
  });

  it('nobody is removed as the last owner who can sign in, and however many stay for that, others go', async () => {
    const staying: { id: string; userId: string }[] = [];
    for (let index = 0; index < 21; index += 1) {
      const { id, people } = await world.organization('owner', 'owner');
      const [userId = '', other = ''] = people;
      await world.node.accountDeletion.request(userId, by(userId));
      if (index % 2 === 0) await world.node.accounts.disableUser(other, 'test');
      else
        await world.node.database.query(sql`UPDATE users SET deletion_at = ${inDays(9)} WHERE id = ${other}`);
      staying.push({ id, userId });
    }
    world.clock.advance(1000);
    const goes = await world.person();
    await world.node.accountDeletion.request(goes, by(goes));
    world.clock.advance(3 * A_DAY);
    const { audit } = await world.traced(sweepPeople);
    const begun = audit.filter(({ act }) => act === 'user.begin-removal');
    expect(begun.map(({ target }) => target)).toEqual([goes]);
    for (const { id, userId } of staying) expect((await world.rolesIn(id))[userId]).toBe('owner');
  });

  it('is asked for once, told by mail, and undone until the grace ends', async () => {
    const userId = await world.person('going@acme.example');
    const ask = () => world.node.accountDeletion.request(userId, by(userId));
    const at = inDays(3);
    const traces = await world.traced(() => Promise.all([ask(), ask(), ask()]));
    expect(traces.audit).toEqual([{ act: 'user.request-deletion', actor: userId, target: userId }]);
    expect((await world.letters()).filter(({ to }) => to === 'going@acme.example')).toHaveLength(1);
    world.clock.advance(2 * A_DAY);
    expect(await ask()).toEqual(at);
    await world.node.accountDeletion.undo(userId, by(userId));
    await expect(world.node.accountDeletion.undo(userId, by(userId))).rejects.toMatchObject({
      code: 'no_deletion',
    });
    world.clock.advance(2 * A_DAY);
    await sweepPeople();
    expect(await isThere(userId)).toBe(true);
  });

  describe('asked for, undone and asked for again', () => {
    const lettersTo = async (to: string) =>
      (await world.letters()).filter((letter) => letter.to === to).length;
    const tellLater = () =>
      Promise.all(
        world.nodes.map(async ({ deletion, accountDeletion }) => {
          await deletion.tellLater();
          await accountDeletion.tellLater();
        }),
      );

    /** @param ask and `undo` by the index of the node */
    const loops = async (
      readers: readonly string[],
      ask: (index: number) => Promise<unknown>,
      undo: (index: number) => Promise<unknown>,
    ) => {
      const letters = () => Promise.all(readers.map(lettersTo));
      const each = (count: number) => readers.map(() => count);
      for (let round = 0; round < 5; round += 1) {
        await Promise.all([ask(0), ask(1)]);
        await undo(round);
      }
      expect(await letters()).toEqual(each(1));
      world.clock.advance(A_DAY + 1000);
      await tellLater();
      expect(await letters()).toEqual(each(1));
      // it was a day ago: at once
      await ask(1);
      expect(await letters()).toEqual(each(2));
      await undo(0);
      world.clock.advance(1000);
      await ask(0);
      world.clock.advance(A_DAY / 2);
      await tellLater();
      expect(await letters()).toEqual(each(2));
      // nobody may take it for undone: they are told once the day is over, and once
      world.clock.advance(A_DAY / 2);
      await tellLater();
      await tellLater();
      expect(await letters()).toEqual(each(3));
      await undo(0);
    };

    it('of an account, the person is told once a day, and told later what holds then', async () => {
      const userId = await world.person('wavering@acme.example');
      await loops(
        ['wavering@acme.example'],
        (index) => world.nodeFor(index).accountDeletion.request(userId, by(userId)),
        (index) => world.nodeFor(index).accountDeletion.undo(userId, by(userId)),
      );
    });

    it('of an organization, every owner is told once a day, and told later what holds then', async () => {
      const { id, people } = await world.organization();
      expect(people).toEqual([]);
      const owners = ['wavering-1@acme.example', 'wavering-2@acme.example'];
      const ids = await Promise.all(owners.map((email) => world.person(email)));
      for (const userId of ids) {
        await world.node.accounts.addMember({ userId, organizationId: id, role: 'owner' }, 'seed');
      }
      await loops(
        owners,
        (index) => world.nodeFor(index).deletion.request(id, by(ids[index % 2] ?? '')),
        (index) => world.nodeFor(index).deletion.undo(id, by(ids[index % 2] ?? '')),
      );
    });
  });

  it('afterwards the account is closed, told to everybody, and then removed with all that hangs on it', async () => {
    const { id, people } = await world.organization('owner', 'member');
    const [, userId = ''] = people;
    await startSession(userId);
    await world.node.accountDeletion.request(userId, by(userId));
    world.clock.advance(3 * A_DAY);
    const traces = await world.traced(sweepPeople);
    expect(traces.outbox.map(({ kind }) => kind)).toEqual([
      'membership-changed',
      'session-ended',
      'user-disabled',
    ]);
    expect(traces.audit.map(({ act }) => act)).toEqual(['membership.remove', 'user.begin-removal']);
    expect(Object.keys(await world.rolesIn(id))).toEqual([people[0]]);
    await expect(world.node.accountDeletion.undo(userId, by(userId))).rejects.toMatchObject({
      code: 'no_deletion',
    });
    expect((await world.node.accounts.userById(userId))?.disabledAt).toBeInstanceOf(Date);
    // whoever frees its seats has an hour to hear of it
    expect(await isThere(userId)).toBe(true);
    world.clock.advance(3_600_000);
    expect((await world.traced(sweepPeople)).audit).toEqual([
      { act: 'user.remove', actor: 'system', target: userId },
    ]);
    expect(await isThere(userId)).toBe(false);
    const [kept] = await world.node.database.query(sql`
      SELECT count(*)::int AS count FROM audit_events WHERE target = ${userId}`);
    expect(kept).toEqual({ count: 6 });
  });

  it('an organization is removed by two nodes at once, in small parts, with one audit row of its end', async () => {
    const { id, people } = await world.organization(
      'owner',
      ...Array.from({ length: 12 }, () => 'member' as const),
    );
    const [owner = ''] = people;
    await world.node.deletion.request(id, by(owner));
    world.clock.advance(3 * A_DAY);
    const left = async () => Object.keys(await world.rolesIn(id)).length;
    await world.node.removal.sweep(5);
    expect(await left()).toBeGreaterThan(7);
    await expect(world.node.deletion.undo(id, by(people[1] ?? ''))).rejects.toMatchObject({
      code: 'access_denied',
    });
    for (let round = 0; round < 6; round += 1) {
      await Promise.all(world.nodes.map(({ removal }) => removal.sweep(5)));
    }
    expect(await world.node.organizations.find(id)).toBeUndefined();
    const [ends] = await world.node.database.query(sql`
      SELECT count(*) FILTER (WHERE act = 'organization.remove')::int AS ends,
             count(*) FILTER (WHERE act = 'membership.remove')::int AS members
        FROM audit_events WHERE organization_id = ${id}`);
    expect(ends).toEqual({ ends: 1, members: 13 });
  });

  it('every table that refers to an organization is emptied for it, or lets go of it by itself', async () => {
    const handled = ['licenses'];
    const stuck = await world.node.database.query<{ table: string }>(sql`
      SELECT conrelid::regclass::text AS table FROM pg_constraint
       WHERE contype = 'f' AND confrelid = 'organizations'::regclass AND confdeltype NOT IN ('c', 'n')
       ORDER BY 1`);
    expect(stuck.map(({ table }) => table)).toEqual(handled);
    const people = await world.node.database.query(sql`
      SELECT conrelid::regclass::text AS table FROM pg_constraint
       WHERE contype = 'f' AND confrelid = 'users'::regclass AND confdeltype NOT IN ('c', 'n')`);
    expect(people).toEqual([]);
  });
});
