import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { REPOSITORY } from '../support/built-process.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const PAGE = 'docs/reference/data-at-rest.md';
const ROW = /^\| `(\w+)`: ((?:`\w+`,? ?)+?) *\| `(\w+)` *\| (\S.*?) *\|$/;

interface Kept {
  readonly column: string;
  readonly as: string;
}

/** What the page says of each column. */
function classified(): Kept[] {
  return readFileSync(join(REPOSITORY, PAGE), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, table = '', columns = '', as = ''] = ROW.exec(line) ?? [];
      return [...columns.matchAll(/`(\w+)`/g)].map(([, column = '']) => ({
        column: `${table}.${column}`,
        as,
      }));
    });
}

describe('data at rest', () => {
  let database: TestDatabase;
  let client: Client;
  let columns: { name: string; type: string }[];

  beforeAll(async () => {
    database = await createDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ name: string; type: string }>(`
      SELECT c.table_name || '.' || c.column_name AS name, c.data_type AS type
        FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
       WHERE t.table_type = 'BASE TABLE' AND c.table_name <> 'migrations'
         AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
       ORDER BY 1`);
    columns = rows;
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  it('every column of the database is on the page, once, and no other', () => {
    const listed = classified().map(({ column }) => column);
    expect(listed.filter((column, index) => listed.indexOf(column) !== index)).toEqual([]);
    expect(listed.toSorted()).toEqual(columns.map(({ name }) => name).toSorted());
  });

  it('every way of keeping a column is explained', () => {
    const text = readFileSync(join(REPOSITORY, PAGE), 'utf8');
    for (const as of new Set(classified().map((kept) => kept.as))) {
      expect(text).toMatch(new RegExp(`^\\| \`${as}\` +\\| [^\`]`, 'm'));
    }
  });

  it('a column’s name says how it is kept, and none that is named after a secret is plain', () => {
    const ways = new Map(classified().map(({ column, as }) => [column, as]));
    for (const { name, type } of columns) {
      const as = ways.get(name);
      if (name.endsWith('_envelope')) expect([name, as]).toEqual([name, 'envelope']);
      else if (name.endsWith('_sha256')) expect([name, as, type]).toEqual([name, 'sha256', 'bytea']);
      else if (name.endsWith('_hmac')) expect([name, as, type]).toEqual([name, 'hmac', 'bytea']);
      else expect([name, as]).not.toEqual([name, expect.stringMatching(/envelope|sha256/)]);
      if (/secret|password_hash|token_sha/.test(name) && !name.endsWith('_until'))
        expect([name, as]).not.toEqual([name, 'plain']);
    }
  });
});
