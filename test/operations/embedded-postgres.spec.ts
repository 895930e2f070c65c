import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { createDatabase, type TestDatabase } from '../support/database.js';

describe('the database of a spec', () => {
  let database: TestDatabase;
  let client: Client;

  beforeAll(async () => {
    database = await createDatabase({ logStatements: true });
    client = new Client({ connectionString: database.url });
    await client.connect();
  });

  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  it('is a migrated copy of its own', async () => {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM migrations');
    expect(Number(rows[0]?.count)).toBeGreaterThanOrEqual(6);
  });

  it('logs each statement so that reads and writes can be counted', async () => {
    database.statements.clear();
    await client.query('BEGIN');
    await client.query({
      name: 'find',
      text: 'SELECT id FROM organizations\n WHERE key = $1',
      values: ['acme'],
    });
    await client.query('WITH gone AS (DELETE FROM sessions RETURNING id) SELECT count(*) FROM gone');
    await client.query('COMMIT');
    expect(database.statements.count()).toEqual({
      reads: 1,
      writes: 1,
      texts: [
        'SELECT id FROM organizations WHERE key = $1',
        'WITH gone AS (DELETE FROM sessions RETURNING id) SELECT count(*) FROM gone',
      ],
    });
  });
});
