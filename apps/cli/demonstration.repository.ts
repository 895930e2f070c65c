import { sql, type Transaction } from '#platform';

/** What the launcher asks of a database before and after it fills it with the demonstration. */
export class DemonstrationRepository {
  constructor(private readonly database: Transaction) {}

  /** One launcher at a time looks and fills; the lock ends with the transaction. */
  async takeTurn(): Promise<void> {
    await this.database.query(sql`SELECT pg_advisory_xact_lock(hashtext('core-auth demonstration'))`);
  }

  async isEmpty(): Promise<boolean> {
    const [row] = await this.database.query<{ filled: boolean }>(sql`
      SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM organizations)
          OR EXISTS (SELECT FROM modules) OR EXISTS (SELECT FROM clients) AS filled`);
    return row?.filled === false;
  }

  /** Whether every one of these accounts is there. */
  async hasAccounts(emails: readonly string[]): Promise<boolean> {
    const [row] = await this.database.query<{ found: string }>(sql`
      SELECT count(*) AS found FROM users WHERE email = ANY(${emails})`);
    return Number(row?.found) === emails.length;
  }

  /**
   * Brings a module's address up to date and tells every node. In two steps, since two modules may have changed
   * places and no two may share an address at any moment: first `leaveAddress` for all, then `takeAddress`.
   */
  async leaveAddress(key: string, nextAddress: string): Promise<boolean> {
    const left = await this.database.query(sql`
      UPDATE modules SET base_url = 'moving:' || key WHERE key = ${key} AND base_url <> ${nextAddress}
      RETURNING key`);
    return left.length > 0;
  }

  async takeAddress(key: string, address: string, actor: string): Promise<void> {
    await this.database.query(sql`
      WITH moved AS (
        UPDATE modules SET base_url = ${address} WHERE key = ${key} RETURNING key
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'catalog-changed', key FROM moved
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'module.move', ${actor}::text, key FROM moved`);
  }
}
