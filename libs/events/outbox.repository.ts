import { Injectable } from '@nestjs/common';
import { Database, sql, type Transaction } from '#platform';
import { parseCursor, type EventKind, type OutboxEvent } from './outbox-event.js';

interface Row {
  transaction_id: string;
  id: string;
  kind: EventKind;
  subject: string;
  organization_id: string | null;
  occurred_at: Date;
}

@Injectable()
export class OutboxRepository {
  constructor(private readonly database: Database) {}

  /** A cursor from which nothing that is still being written will be missed. */
  async position(): Promise<string> {
    const [row] = await this.database.query<{ transaction_id: string }>(
      sql`SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS transaction_id`,
    );
    if (!row) throw new Error('PostgreSQL gave no snapshot');
    return `${row.transaction_id}-0`;
  }

  /**
   * Whether a reader can go on from `cursor` without having missed anything: it lies in this stream's past (one of
   * another database, or from before a restore, may not), and what came after it has not been removed yet.
   */
  async knows(cursor: string): Promise<boolean> {
    const from = parseCursor(cursor);
    if (!from) throw new Error(`not a cursor: ${cursor}`);
    const [row] = await this.database.query<{ known: boolean }>(sql`
      SELECT ${from.transactionId}::text::xid8 <= pg_snapshot_xmin(pg_current_snapshot())
             AND EXISTS (SELECT FROM outbox
                          WHERE (transaction_id, id) <= (${from.transactionId}::text::xid8, ${from.id}::bigint))
             AS known`);
    return row?.known === true;
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
      SELECT transaction_id::text, id, kind, subject, organization_id, occurred_at
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
    }));
  }

  /** Removes up to `limit` events older than `before`. @returns how many */
  async prune(before: Date, limit: number): Promise<number> {
    const removed = await this.database.query(sql`
      DELETE FROM outbox
       WHERE id IN (SELECT id FROM outbox WHERE occurred_at < ${before} ORDER BY occurred_at LIMIT ${limit})
      RETURNING id`);
    return removed.length;
  }
}
