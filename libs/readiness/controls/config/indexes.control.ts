import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import type { DatabaseEvidence } from './database.repository.js';

const LARGE = 10_000;
/** PostgreSQL 16, the first that plans a statement without its parameters. */
const GENERIC_PLANS = 160_000;

/** Every index is usable, every foreign key has one, and no hot statement reads a large table from end to end. */
export const indexes: Control = {
  id: 'config.db.indexes',
  kind: 'probe',
  timeout: seconds(15),
  interval: minutes(10),
  async verify({ database }) {
    const invalid = await database.invalidIndexes();
    if (invalid.length > 0) {
      const commands = invalid.map((name) => `REINDEX INDEX CONCURRENTLY ${name};`).join(' ');
      return failed('every index valid', `invalid: ${invalid.join(', ')}`, commands);
    }
    const bare = await database.unindexedForeignKeys();
    if (bare.length > 0) {
      const commands = bare.map(
        ({ table, columns }) => `CREATE INDEX CONCURRENTLY ON ${table} (${columns});`,
      );
      const seen = bare.map(({ table, columns }) => `${table} (${columns})`).join(', ');
      return failed('an index for each foreign key', `none for ${seen}`, commands.join(' '));
    }
    const unused = await database.unusedIndexes();
    const listed = `not used so far: ${unused.length > 0 ? unused.join(', ') : 'none'}`;
    const large = await database.largeTables(LARGE);
    if (large.length === 0) {
      return verified(`all indexes valid, each foreign key indexed, no table over ${LARGE} rows; ${listed}`);
    }
    return scansOf(database, large, listed);
  },
};

async function scansOf(database: DatabaseEvidence, large: readonly string[], listed: string) {
  const { version } = await database.whereabouts();
  const so = `all indexes valid, each foreign key indexed; large: ${large.join(', ')}; ${listed}`;
  if (version < GENERIC_PLANS)
    return unknown(so, 'plans of the hot statements: they need PostgreSQL 16 or newer');
  const statements = await database.preparedStatements();
  if (statements.length === 0) return unknown(so, 'hot statements: this session has prepared none yet');
  for (const statement of statements) {
    const scanned = (await database.sequentialScans(statement)).filter((table) => large.includes(table));
    if (scanned.length > 0) {
      return failed(
        `no sequential scan on a table over ${LARGE} rows`,
        `${scanned.join(', ')} in: ${statement.replace(/\s+/g, ' ').trim().slice(0, 160)}`,
        `ANALYZE ${scanned.join(', ')}; and if it remains, restore the index that the statement needs`,
      );
    }
  }
  return verified(`${so}; ${statements.length} prepared statements, none scans one of them`);
}
