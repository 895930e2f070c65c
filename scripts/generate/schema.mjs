// migrations/schema.sql: what all migrations together make, read from PostgreSQL's own catalog, so that a change of a
// migration shows in review as the change of the tables that it is.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { EmbeddedPostgres } from '../../dist/apps/cli/development/embedded-postgres.js';
import { migrate } from '../../dist/apps/cli/migrate.js';
import { Configuration } from '../../dist/libs/platform/index.js';

/** TypeORM's own note of what has run. */
const NOT_OURS = 'migrations';

export async function schema() {
  const folder = mkdtempSync(join(tmpdir(), 'core-auth-schema-'));
  const server = await EmbeddedPostgres.start({
    dataFolder: join(folder, 'postgres', 'data'),
    logFile: join(folder, 'postgres.log'),
    settings: { fsync: 'off' },
  });
  try {
    const url = server.url('postgres');
    const keys = `schema:${randomBytes(32).toString('base64url')}`;
    await migrate(Configuration.load({ DATABASE_URL: url, CORE_AUTH_KEY_ENCRYPTION_KEYS: keys }));
    return await dump(url);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function dump(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const rows = async (text) => (await client.query(text)).rows;
    const columns = group(await rows(COLUMNS));
    const constraints = group(await rows(CONSTRAINTS));
    const indexes = group(await rows(INDEXES));
    const tables = await rows(TABLES);
    const parts = tables.map(({ table, options }) => {
      const lines = [...columns.get(table).map(column), ...(constraints.get(table) ?? []).map(constraint)];
      const storage = options ? ` WITH (${options.join(', ')})` : '';
      const made = `CREATE TABLE ${table} (\n${lines.map((line) => `  ${line}`).join(',\n')}\n)${storage};`;
      return [made, ...(indexes.get(table) ?? []).map(({ definition }) => `${definition};`)].join('\n');
    });
    const programs = [...(await rows(FUNCTIONS)), ...(await rows(TRIGGERS))].map(
      ({ definition }) => `${definition};`,
    );
    return `-- Made from the migrations by \`npm run generate\`; do not edit.\n\n${[...parts, ...programs].join('\n\n')}\n`;
  } finally {
    await client.end();
  }
}

function column({ name, type, not_null: notNull, expression, identity }) {
  const parts = [name, type];
  if (identity) parts.push(`GENERATED ${identity} AS IDENTITY`);
  else if (expression) parts.push(`DEFAULT ${expression}`);
  if (notNull) parts.push('NOT NULL');
  return parts.join(' ');
}

function constraint({ name, definition }) {
  return `CONSTRAINT ${name} ${definition}`;
}

function group(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.table, [...(groups.get(row.table) ?? []), row]);
  return groups;
}

const OURS = `relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> '${NOT_OURS}'`;

const TABLES = `
  SELECT relname AS table, reloptions AS options FROM pg_class WHERE ${OURS} ORDER BY relname`;

const COLUMNS = `
  SELECT relname AS table, attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS not_null,
         pg_get_expr(adbin, adrelid) AS expression,
         CASE attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS identity
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
   WHERE ${OURS} AND attnum > 0 AND NOT attisdropped
   ORDER BY relname, attnum`;

const CONSTRAINTS = `
  SELECT relname AS table, conname AS name, pg_get_constraintdef(pg_constraint.oid) AS definition
    FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
   WHERE ${OURS} AND contype <> 'n'
   ORDER BY relname, array_position('{p,u,f,c,x}'::"char"[], contype), conname`;

const INDEXES = `
  SELECT relname AS table, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
   WHERE ${OURS} AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
   ORDER BY relname, 2`;

const FUNCTIONS = `
  SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
   WHERE pronamespace = 'public'::regnamespace ORDER BY proname, 1`;

const TRIGGERS = `
  SELECT pg_get_triggerdef(pg_trigger.oid) AS definition FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
   WHERE ${OURS} AND NOT tgisinternal ORDER BY relname, tgname`;
