import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The audit trail can be added to and nothing else, and each of its events is chained to the one before. */
export class AuditChain1700000000022 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE audit_events
        -- the writing transaction: an event may be chained once every transaction before it has ended
        ADD COLUMN transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id();
      CREATE INDEX audit_events_order ON audit_events (transaction_id, id);

      CREATE TABLE audit_chain (
        position bigint PRIMARY KEY CHECK (position > 0),
        event_id bigint NOT NULL UNIQUE,
        -- SHA-256 of the digest before it and the event
        digest bytea NOT NULL CHECK (length(digest) = 32)
      );

      -- the owner of a table cannot be kept from it by a privilege: this holds for owners and administrators too
      CREATE FUNCTION refuse_to_rewrite_audit() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
      END $$;
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_audit();
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_audit();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER append_only ON audit_events;
      DROP TABLE audit_chain;
      DROP FUNCTION refuse_to_rewrite_audit;
      ALTER TABLE audit_events DROP COLUMN transaction_id;
    `);
  }
}
