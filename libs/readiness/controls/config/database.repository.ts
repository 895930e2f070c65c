import type { Pool } from 'pg';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { type Database, sql } from '#platform';

export interface Role {
  readonly name: string;
  readonly superuser: boolean;
  readonly createRole: boolean;
  readonly createDatabase: boolean;
  readonly replication: boolean;
  readonly bypassRowSecurity: boolean;
  /** Schemas that the role owns and that hold none of the server's tables. */
  readonly foreignSchemas: readonly string[];
}

export interface SessionSettings {
  /** Milliseconds; 0 is none. */
  readonly statementTimeout: number;
  readonly lockTimeout: number;
}

export interface Capacity {
  readonly maxConnections: number;
  readonly reserved: number;
  /** The distinct names by which processes of ours are connected. */
  readonly applications: readonly string[];
}

export interface UnindexedKey {
  readonly table: string;
  readonly constraint: string;
  readonly columns: string;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** What PostgreSQL itself says about how it is used. */
export class DatabaseEvidence {
  constructor(private readonly database: Database) {}

  /** The least that a pooled connection can be asked. */
  async ping(): Promise<void> {
    await this.database.query(sql`SELECT 1`);
  }

  /** The database, the port as the server sees it, and whether the connection is encrypted. */
  async whereabouts(): Promise<{ database: string; version: number; encrypted: boolean }> {
    const rows = await this.database.query<{ database: string; version: number; encrypted: boolean }>(sql`
      SELECT current_database() AS database, current_setting('server_version_num')::int AS version,
             coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted`);
    return only(rows);
  }

  /** Names of the applied migrations, oldest first; none where the table is missing. */
  async appliedMigrations(): Promise<string[]> {
    const present = await this.database.query<{ table: string | null }>(sql`
      SELECT to_regclass('migrations')::text AS table`);
    if (!only(present).table) return [];
    const rows = await this.database.query<{ name: string }>(sql`SELECT name FROM migrations ORDER BY id`);
    return rows.map(({ name }) => name);
  }

  /** Names of the migrations that this build brings. */
  get expectedMigrations(): string[] {
    return this.database.dataSource.migrations.map(
      (migration) => migration.name ?? migration.constructor.name,
    );
  }

  get poolSize(): number {
    return this.database.poolState().max;
  }

  /** Milliseconds that the pool waits for a new connection; 0 is for ever. */
  get connectTimeout(): number {
    const pool = (this.database.dataSource.driver as PostgresDriver).master as Pool;
    return pool.options.connectionTimeoutMillis ?? 0;
  }

  async role(): Promise<Role> {
    const rows = await this.database.query<Role>(sql`
      SELECT rolname AS name, rolsuper AS superuser, rolcreaterole AS "createRole", rolcreatedb AS "createDatabase",
             rolreplication AS replication, rolbypassrls AS "bypassRowSecurity",
             ARRAY(SELECT nspname::text FROM pg_namespace
                    WHERE nspowner = pg_roles.oid
                      AND oid <> (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('authorizations'))
                      AND nspname !~ '^pg_(toast_)?temp_') AS "foreignSchemas"
        FROM pg_roles WHERE rolname = current_user`);
    return only(rows);
  }

  /** The limits of a live session of the pool. */
  async sessionSettings(): Promise<SessionSettings> {
    const rows = await this.database.query<SessionSettings>(sql`
      SELECT (SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout') AS "statementTimeout",
             (SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout') AS "lockTimeout"`);
    return only(rows);
  }

  /** Sleeps in the database; the statement time-out ends it (SQLSTATE 57014). @param duration milliseconds */
  async sleep(duration: number): Promise<void> {
    await this.database.query(sql`SELECT pg_sleep(${duration / 1000}::double precision)`);
  }

  async capacity(): Promise<Capacity> {
    const rows = await this.database.query<Capacity>(sql`
      SELECT current_setting('max_connections')::int AS "maxConnections",
             current_setting('superuser_reserved_connections')::int
               + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
             ARRAY(SELECT DISTINCT application_name FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name LIKE 'core-auth%'
                    ORDER BY 1) AS applications`);
    return only(rows);
  }

  async invalidIndexes(): Promise<string[]> {
    const rows = await this.database.query<{ name: string }>(sql`
      SELECT indexrelid::regclass::text AS name FROM pg_index
        JOIN pg_class ON pg_class.oid = indrelid
       WHERE NOT (indisvalid AND indisready AND indislive)
         AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('authorizations'))`);
    return rows.map(({ name }) => name);
  }

  /** Foreign keys whose columns no index leads with: deleting what they refer to reads the whole table. */
  unindexedForeignKeys(): Promise<UnindexedKey[]> {
    return this.database.query<UnindexedKey>(sql`
      SELECT conrelid::regclass::text AS table, conname AS constraint,
             (SELECT string_agg(quote_ident(attname), ', ' ORDER BY position)
                FROM unnest(conkey) WITH ORDINALITY AS key (number, position)
                JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS columns
        FROM pg_constraint
       WHERE contype = 'f'
         AND connamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('authorizations'))
         AND NOT EXISTS (
           SELECT FROM pg_index
            WHERE indrelid = conrelid AND indisvalid AND indpred IS NULL
              AND (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
         )
       ORDER BY 1, 2`);
  }

  async unusedIndexes(): Promise<string[]> {
    const rows = await this.database.query<{ name: string }>(sql`
      SELECT indexrelname AS name FROM pg_stat_user_indexes
        JOIN pg_index USING (indexrelid)
       WHERE idx_scan = 0 AND NOT indisunique ORDER BY 1`);
    return rows.map(({ name }) => name);
  }

  /** Tables by estimated rows above `rows`. */
  async largeTables(rows: number): Promise<string[]> {
    const found = await this.database.query<{ name: string }>(sql`
      SELECT relname AS name FROM pg_class
       WHERE relkind IN ('r', 'p') AND reltuples > ${rows}
         AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('authorizations'))`);
    return found.map(({ name }) => name);
  }

  /** The statements that a pooled session of the running server has prepared, which is what it runs hot. */
  async preparedStatements(): Promise<string[]> {
    const rows = await this.database.query<{ statement: string }>(sql`
      SELECT statement FROM pg_prepared_statements
       WHERE statement ~* '^\\s*(WITH|SELECT|UPDATE|DELETE)\\M' AND statement !~* '\\mpg_(catalog|stat|sleep|prepared|class)'`);
    return rows.map(({ statement }) => statement);
  }

  /** The tables that a statement would read from end to end, by its generic plan (PostgreSQL 16). */
  async sequentialScans(statement: string): Promise<string[]> {
    // a simple query, because the statement's own parameters stay open in a generic plan
    const rows: { 'QUERY PLAN': { Plan: PlanNode }[] }[] = await this.database.dataSource.query(
      `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${statement}`,
    );
    return rows.flatMap((row) => row['QUERY PLAN']).flatMap(({ Plan }) => scans(Plan));
  }
}

function scans(node: PlanNode): string[] {
  const own = node['Node Type'] === 'Seq Scan' && node['Relation Name'] ? [node['Relation Name']] : [];
  return [...own, ...(node.Plans ?? []).flatMap(scans)];
}

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (!row) throw new Error('the catalog answered no row');
  return row;
}
