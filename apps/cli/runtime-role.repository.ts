import { sql, type Database } from '#platform';

/** Tables that the server adds to and never changes. */
const APPEND_ONLY = ['audit_events', 'audit_chain'];
/** Tables that the server reads and nothing more. */
const READ_ONLY = ['migrations'];

export type GrantRefused = 'unknown' | 'administrator' | 'owner';

/** What the role may do as which the server runs: everything that it needs, and nothing to the tables themselves. */
export class RuntimeRoleRepository {
  constructor(private readonly database: Database) {}

  /**
   * Grants a role what the server needs, for the tables as they are now: called again after each migration.
   * @returns why the role cannot be held to it: it does not exist, is a superuser, or owns the tables, their schema or
   * the database
   */
  async grant(role: string): Promise<GrantRefused | undefined> {
    const [found] = await this.database.query<{ superuser: boolean; owner: boolean }>(sql`
      SELECT rolsuper AS superuser,
             pg_has_role(r.oid, (SELECT nspowner FROM pg_namespace WHERE nspname = current_schema()), 'MEMBER')
               OR pg_has_role(r.oid, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'MEMBER')
               OR EXISTS (SELECT FROM pg_class c
                      WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
                        AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS owner
        FROM pg_roles r WHERE rolname = ${role}`);
    if (!found) return 'unknown';
    if (found.superuser) return 'administrator';
    if (found.owner) return 'owner';
    const [statements] = await this.database.query<{ text: string }>(sql`
      SELECT string_agg(statement, '; ') AS text FROM (
        SELECT format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), ${role}::text) AS statement
        UNION ALL SELECT format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO %I', current_schema(), ${role}::text)
        UNION ALL
        SELECT CASE
                 WHEN c.relname = ANY(${APPEND_ONLY}::text[]) THEN format(
                   'REVOKE ALL ON %1$s FROM %2$I; GRANT SELECT, INSERT ON %1$s TO %2$I', c.oid::regclass, ${role}::text)
                 WHEN c.relname = ANY(${READ_ONLY}::text[]) THEN format(
                   'REVOKE ALL ON %1$s FROM %2$I; GRANT SELECT ON %1$s TO %2$I', c.oid::regclass, ${role}::text)
                 ELSE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', c.oid::regclass, ${role}::text)
               END
          FROM pg_class c
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')) AS each`);
    // names of tables and roles are no parameters; PostgreSQL quoted them
    await this.database.dataSource.query(statements?.text ?? '');
    return undefined;
  }
}
