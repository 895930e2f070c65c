import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { AccountRepository } from '#accounts';
import { Configuration, openDatabase, sql, type Database } from '#platform';
import { createDatabase, type TestDatabase } from '../support/database.js';

describe('accounts', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  let accounts: AccountRepository;

  beforeAll(async () => {
    testDatabase = await createDatabase();
    database = await openDatabase(
      Configuration.load({
        NODE_ENV: 'test',
        DATABASE_URL: testDatabase.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
      }),
    );
    accounts = new AccountRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });

  const user = (name: string, email = `${randomBytes(6).toString('hex')}@acme.example`) =>
    accounts.createUser({ name, email, passwordHash: 'hash of the first' }, 'seed');
  const organization = (name: string) =>
    accounts.createOrganization({ key: `o-${randomBytes(6).toString('hex')}`, name }, 'seed');
  const outboxOf = (subject: string) =>
    database.query<{ kind: string; organization_id: string | null }>(sql`
      SELECT kind, organization_id FROM outbox WHERE subject = ${subject} ORDER BY id`);
  const auditOf = async (target: string) =>
    (
      await database.query<{ act: string }>(
        sql`SELECT act FROM audit_events WHERE target = ${target} ORDER BY id`,
      )
    ).map(({ act }) => act);

  it('are found for sign-in by every spelling of their e-mail address', async () => {
    const { id } = await user('Ada', 'Ada@Acme.example');
    expect(await accounts.findForSignIn(' ADA@acme.EXAMPLE ')).toEqual({
      id,
      email: 'ada@acme.example',
      name: 'Ada',
      passwordHash: 'hash of the first',
      hasSecondFactor: false,
      passwordLengthKnown: true,
      disabledAt: null,
    });
    expect(await accounts.findForSignIn('nobody@acme.example')).toBeUndefined();
    expect(await accounts.userById(id)).toEqual({
      id,
      email: 'ada@acme.example',
      name: 'Ada',
      disabledAt: null,
    });
  });

  it('of ten with one address made at once exactly one succeeds, and the others are 409', async () => {
    const spellings = ['race@acme.example', 'RACE@acme.example'];
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => user('Racer', spellings[index % 2])),
    );
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(refused).toHaveLength(9);
    for (const error of refused) expect(error).toMatchObject({ status: 409, code: 'email_taken' });
    const audit = await database.query(sql`
      SELECT target FROM audit_events JOIN users ON users.id::text = target WHERE email = 'race@acme.example'`);
    expect(audit).toHaveLength(1);
  });

  it('need an e-mail address', async () => {
    await expect(user('Nobody', 'nobody')).rejects.toMatchObject({ status: 400, code: 'invalid_email' });
  });

  it('are disabled once, with one audit row and one user-disabled event, and stay findable', async () => {
    const { id, email } = await user('Bob');
    const results = await Promise.all([accounts.disableUser(id, 'admin'), accounts.disableUser(id, 'admin')]);
    expect(results.sort()).toEqual([false, true]);
    expect(await outboxOf(id)).toEqual([{ kind: 'user-disabled', organization_id: null }]);
    expect(await auditOf(id)).toEqual(['user.create', 'user.disable']);
    expect((await accounts.findForSignIn(email))?.disabledAt).toBeInstanceOf(Date);
  });

  it('have their hash upgraded only while it is still the old one', async () => {
    const { id, email } = await user('Eve');
    await accounts.upgradePasswordHash(id, 'hash of the first', 'hash of the second');
    await accounts.upgradePasswordHash(id, 'hash of the first', 'a costlier hash of the first');
    expect((await accounts.findForSignIn(email))?.passwordHash).toBe('hash of the second');
    await accounts.upgradePasswordHash(id, 'hash of the second', 'a costlier hash of the second');
    expect((await accounts.findForSignIn(email))?.passwordHash).toBe('a costlier hash of the second');
  });

  it('belong to organizations with a role, once each, decided by the constraint', async () => {
    const { id: userId } = await user('Joan');
    const [globex, acme] = [await organization('Globex'), await organization('Acme')];
    await accounts.addMember({ userId, organizationId: globex.id, role: 'member' }, 'admin');
    const results = await Promise.allSettled([
      accounts.addMember({ userId, organizationId: acme.id, role: 'owner' }, 'admin'),
      accounts.addMember({ userId, organizationId: acme.id, role: 'owner' }, 'admin'),
    ]);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { status: 409, code: 'already_member' },
    });
    expect(await accounts.membershipsOf(userId)).toEqual([
      { ...acme, role: 'owner', customRole: null },
      { ...globex, role: 'member', customRole: null },
    ]);
    expect(await outboxOf(userId)).toEqual([
      { kind: 'membership-changed', organization_id: globex.id },
      { kind: 'membership-changed', organization_id: acme.id },
    ]);
    for (const stranger of [
      { userId: randomUUID(), organizationId: acme.id },
      { userId, organizationId: randomUUID() },
    ]) {
      await expect(accounts.addMember({ ...stranger, role: 'member' }, 'admin')).rejects.toMatchObject({
        status: 404,
        code: 'unknown_user_or_organization',
      });
    }
  });

  it('to ask for a license are the owners, then the administrators, who are not disabled', async () => {
    const { id: organizationId } = await organization('Initech');
    const roles = {
      Zoe: 'owner',
      Abe: 'administrator',
      Max: 'member',
      Bill: 'billing',
      Old: 'owner',
    } as const;
    for (const [name, role] of Object.entries(roles)) {
      const { id: userId } = await user(name, `${name}@initech.example`);
      await accounts.addMember({ userId, organizationId, role }, 'seed');
      if (name === 'Old') await accounts.disableUser(userId, 'admin');
    }
    expect(await accounts.contactsOf(organizationId)).toEqual([
      { name: 'Zoe', email: 'zoe@initech.example', role: 'owner' },
      { name: 'Abe', email: 'abe@initech.example', role: 'administrator' },
    ]);
  });

  it('organizations have keys of their own, and are suspended and resumed once', async () => {
    const { id, key, name } = await organization('Umbrella');
    await expect(accounts.createOrganization({ key, name: 'Again' }, 'seed')).rejects.toMatchObject({
      status: 409,
      code: 'organization_key_taken',
    });
    expect(await accounts.suspendOrganization(id, 'admin')).toBe(true);
    expect(await accounts.suspendOrganization(id, 'admin')).toBe(false);
    expect((await accounts.organizationById(id))?.suspendedAt).toBeInstanceOf(Date);
    expect(await accounts.resumeOrganization(id, 'admin')).toBe(true);
    expect(await accounts.resumeOrganization(id, 'admin')).toBe(false);
    expect(await accounts.organizationById(id)).toEqual({ id, key, name, suspendedAt: null });
    expect((await outboxOf(id)).map(({ kind }) => kind)).toEqual([
      'organization-changed',
      'license-changed',
      'license-changed',
    ]);
    expect(await auditOf(id)).toEqual(['organization.create', 'organization.suspend', 'organization.resume']);
  });
});
