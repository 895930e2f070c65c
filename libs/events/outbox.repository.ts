import { Injectable } from '@nestjs/common';
import { Database, sql, type Transaction } from '#platform';
import {
  parseCursor,
  type EventFacts,
  type EventKind,
  type OutboxEvent,
  type OutboxReach,
} from './outbox-event.js';

interface Row {
  transaction_id: string;
  id: string;
  kind: EventKind;
  subject: string;
  organization_id: string | null;
  occurred_at: Date;
  facts: EventFacts | null;
}

@Injectable()
export class OutboxRepository {
  constructor(private readonly database: Database) {}

  /**
   * What there is to read. A history ends where the row that names it is replaced, where the data goes on in another
   * database or cluster, and where a cluster goes on from a backup or a standby (its timeline then changes).
   */
  async reach(on: Database | Transaction = this.database): Promise<OutboxReach> {
    const [row] = await on.query<OutboxReach>(sql`
      SELECT encode(substring(sha256(convert_to(concat_ws(' ', h.id, d.oid, system.system_identifier,
                                                          left(pg_walfile_name(pg_current_wal_lsn()), 8)), 'UTF8'))
                              FROM 1 FOR 8), 'hex') AS history,
             h.pruned_transaction_id::text || '-' || h.pruned_id AS "prunedTo",
             pg_snapshot_xmin(pg_current_snapshot())::text || '-0' AS present
        FROM outbox_history h, pg_control_system() system, pg_database d
       WHERE d.datname = current_database()`);
    if (!row) throw new Error('the history of the outbox has no name');
    return row;
  }

  /**
   * The next events after `cursor`, oldest first. A row becomes readable once every transaction before its own has
   * ended: so a slow transaction delays those after it instead of being skipped.
   */
  async after(
    cursor: string,
    limit: number,
    on: Database | Transaction = this.database,
  ): Promise<OutboxEvent[]> {
    const from = parseCursor(cursor);
    if (!from) throw new Error(`not a cursor: ${cursor}`);
    const rows = await on.query<Row>(sql`
      SELECT transaction_id::text, id, kind, subject, organization_id, occurred_at, facts
        FROM outbox
       WHERE (transaction_id, id) > (${from.transactionId}::text::xid8, ${from.id}::bigint)
         AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
       ORDER BY outbox.transaction_id, id
       LIMIT ${limit}`);
    return rows.map((row) => ({
      cursor: `${row.transaction_id}-${row.id}`,
      kind: row.kind,
      subject: row.subject,
      organizationId: row.organization_id,
      occurredAt: row.occurred_at,
      facts: row.facts,
    }));
  }

  /**
   * Removes up to `limit` events older than `before`, and notes how far; none that could not be read yet.
   * @returns how many
   */
  async prune(before: Date, limit: number): Promise<number> {
    const [removed] = await this.database.query<{ count: number }>(sql`
      WITH removed AS (
        DELETE FROM outbox
         WHERE id IN (SELECT id FROM outbox
                       WHERE occurred_at < ${before} AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
                       ORDER BY occurred_at LIMIT ${limit})
        RETURNING transaction_id, id
      ), last AS (
        SELECT transaction_id, id FROM removed ORDER BY removed.transaction_id DESC, id DESC LIMIT 1
      ), noted AS (
        UPDATE outbox_history h SET pruned_transaction_id = last.transaction_id, pruned_id = last.id
          FROM last
         WHERE (last.transaction_id, last.id) > (h.pruned_transaction_id, h.pruned_id)
      )
      SELECT count(*)::int AS count FROM removed`);
    return removed?.count ?? 0;
  }
}
