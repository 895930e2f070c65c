import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The outbox that everyone hears from, the durable readers' places in it, and the audit trail. */
export class Events1700000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        -- the writing transaction: a row may be read once every transaction before it has ended
        transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
        kind text NOT NULL,
        subject text NOT NULL,
        organization_id uuid,
        occurred_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX outbox_order ON outbox (transaction_id, id);
      CREATE INDEX outbox_age ON outbox (occurred_at);
      CREATE TABLE outbox_readers (
        name text PRIMARY KEY,
        transaction_id xid8 NOT NULL,
        id bigint NOT NULL
      );
      CREATE TABLE audit_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        act text NOT NULL,
        actor text NOT NULL,
        target text NOT NULL,
        organization_id uuid,
        address text,
        detail jsonb,
        occurred_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX audit_events_organization ON audit_events (organization_id, id);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit_events, outbox_readers, outbox');
  }
}
