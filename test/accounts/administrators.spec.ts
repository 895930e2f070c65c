import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { AccountRepository, AdministratorRepository } from '#accounts';
import { Configuration, openDatabase, sql, type Database } from '#platform';
import { createDatabase, type TestDatabase } from '../support/database.js';

describe('administrators', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  let accounts: AccountRepository;
  let administrators: AdministratorRepository;

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
    administrators = new AdministratorRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });

  const person = (email = `${randomBytes(6).toString('hex')}@acme.example`) =>
    accounts.createUser({ name: 'Ada', email, passwordHash: 'none' }, 'seed');
  const rowsAbout = async (target: string) => ({
    audit: await database.query(sql`
      SELECT act, actor FROM audit_events WHERE target = ${target} AND act LIKE 'operator.%' ORDER BY id`),
    outbox: await database.query(sql`SELECT kind FROM outbox WHERE subject = ${target} ORDER BY id`),
  });

  it('have their role in each of their organizations, and are no operators unless made so', async () => {
    const { id } = await person();
    const [first, second] = await Promise.all(
      ['first', 'second'].map((key) => accounts.createOrganization({ key, name: key }, 'seed')),
    );
    await accounts.addMember({ userId: id, organizationId: first?.id ?? '', role: 'owner' }, 'seed');
    await accounts.addMember({ userId: id, organizationId: second?.id ?? '', role: 'billing' }, 'seed');
    expect(await administrators.find(id)).toEqual({
      operator: false,
      roles: new Map([
        [first?.id, 'owner'],
        [second?.id, 'billing'],
      ]),
    });
  });

  it('are operators from when they are made so until it is taken from them', async () => {
    const { id } = await person('operator@seller.example');
    expect(await administrators.setOperator(id, true, 'cli')).toBe(true);
    expect(await administrators.find(id)).toEqual({ operator: true, roles: new Map() });
    expect(await administrators.operators()).toEqual([
      { email: 'operator@seller.example', name: 'Ada', disabledAt: null, secondFactor: false },
    ]);
    expect(await administrators.setOperator(id, false, 'cli')).toBe(true);
    expect(await administrators.find(id)).toEqual({ operator: false, roles: new Map() });
    expect(await administrators.operators()).toEqual([]);
  });

  it('are made operators once, however many ask, with one audit row and one outbox row', async () => {
    const { id } = await person();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => administrators.setOperator(id, true, 'cli')),
    );
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await rowsAbout(id)).toEqual({
      audit: [{ act: 'operator.add', actor: 'cli' }],
      outbox: [{ kind: 'operator-changed' }],
    });
  });

  it('are nothing once they are disabled, and nothing when nobody knows them', async () => {
    const { id } = await person();
    await administrators.setOperator(id, true, 'cli');
    await accounts.disableUser(id, 'cli');
    const nothing = { operator: false, roles: new Map() };
    expect(await administrators.find(id)).toEqual(nothing);
    expect(await administrators.find(randomUUID())).toEqual(nothing);
    expect(await administrators.setOperator(randomUUID(), true, 'cli')).toBe(false);
  });
});
