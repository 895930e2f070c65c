import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which history the outbox's cursors are of, how far it has been removed, and where each polling receiver is in it. */
export class EventReceivers1700000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE outbox_history (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        id uuid NOT NULL DEFAULT gen_random_uuid(),
        -- a reader that is not behind this has missed nothing that was removed
        pruned_transaction_id xid8 NOT NULL,
        pruned_id bigint NOT NULL
      );
      -- what was removed so far lies before the oldest that is there, or before now
      INSERT INTO outbox_history (pruned_transaction_id, pruned_id)
      SELECT coalesce(oldest.transaction_id, pg_snapshot_xmin(pg_current_snapshot())), coalesce(oldest.id - 1, 0)
        FROM (SELECT) AS one
        LEFT JOIN (SELECT transaction_id, id FROM outbox ORDER BY transaction_id, id LIMIT 1) oldest ON true;

      CREATE TABLE event_receivers (
        client_id text PRIMARY KEY REFERENCES clients ON DELETE CASCADE,
        history text NOT NULL,
        -- everything up to here is acknowledged, or is not told to receivers
        transaction_id xid8 NOT NULL,
        id bigint NOT NULL,
        -- the cursors after that place that are acknowledged too
        acknowledged text[] NOT NULL DEFAULT '{}' CHECK (cardinality(acknowledged) <= 100)
      ) WITH (fillfactor = 70);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE event_receivers, outbox_history');
  }
}
