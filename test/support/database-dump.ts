import { Client } from 'pg';

/** Every row of every table of every schema, those of PostgreSQL itself and its statistics too, as one line each. */
export async function dump(url: string): Promise<Map<string, string[]>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // what columns commonly hold is then in pg_statistic as well
    await client.query('ANALYZE');
    const { rows: tables } = await client.query<{ name: string }>(`
      SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
       WHERE relkind IN ('r', 'm', 'p') AND relpersistence <> 't' ORDER BY 1`);
    const lines = new Map<string, string[]>();
    for (const { name } of tables) {
      const { rows } = await client.query<{ line: string }>(`SELECT t::text AS line FROM ${name} t`);
      lines.set(
        name,
        rows.map(({ line }) => line),
      );
    }
    return lines;
  } finally {
    await client.end();
  }
}
