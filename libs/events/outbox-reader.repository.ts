import { Injectable } from '@nestjs/common';
import { Database, sql, type Transaction } from '#platform';
import { parseCursor, type OutboxEvent } from './outbox-event.js';
import { OutboxRepository } from './outbox.repository.js';

const BATCH = 200;

/** Durable readers of the outbox, each of whom goes on where all nodes together have come to. */
@Injectable()
export class OutboxReaderRepository {
  constructor(
    private readonly database: Database,
    private readonly outbox: OutboxRepository,
  ) {}

  /**
   * Hands the next events to `take`. The reader's place moves in the same transaction as what `take` does with it: so
   * nothing is lost and nothing done twice when a node dies. Of several nodes one reads; the next waits for the place.
   * A reader that is new begins in the present.
   * @returns whether there may be more
   */
  async advance(
    reader: string,
    take: (events: readonly OutboxEvent[], transaction: Transaction) => Promise<void>,
  ): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const [place] = await transaction.query<{ cursor: string; ahead: boolean }>(sql`
        SELECT transaction_id::text || '-' || id AS cursor,
               transaction_id > pg_snapshot_xmin(pg_current_snapshot()) AS ahead
          FROM outbox_readers WHERE name = ${reader} FOR UPDATE`);
      // a place in the future is of another cluster, from which this database was restored: nothing would be read
      if (!place || place.ahead) {
        await transaction.query(sql`
          INSERT INTO outbox_readers AS r (name, transaction_id, id)
          VALUES (${reader}, pg_snapshot_xmin(pg_current_snapshot()), 0)
          ON CONFLICT (name) DO UPDATE SET transaction_id = excluded.transaction_id, id = 0
           WHERE r.transaction_id > excluded.transaction_id`);
        return true;
      }
      const events = await this.outbox.after(place.cursor, BATCH, transaction);
      const last = parseCursor(events.at(-1)?.cursor ?? '');
      if (!last) return false;
      await take(events, transaction);
      await transaction.query(sql`
        UPDATE outbox_readers SET transaction_id = ${last.transactionId}::text::xid8, id = ${last.id}::bigint
         WHERE name = ${reader}`);
      return events.length === BATCH;
    });
  }
}
