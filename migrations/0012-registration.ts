import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Clients that register themselves, and the tokens that let them. */
export class Registration1700000000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE initial_access_tokens (
        id uuid PRIMARY KEY,
        token_sha256 bytea NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
        uses_left integer NOT NULL CHECK (uses_left >= 0),
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
      );
      CREATE INDEX initial_access_tokens_expiry ON initial_access_tokens (expires_at);

      ALTER TABLE clients
        -- what a client has said of itself and nothing here decides by
        ADD COLUMN registered_metadata jsonb,
        DROP CONSTRAINT clients_id_check,
        ADD CONSTRAINT clients_id_check CHECK (
          -- http is for the loopback interface of a development machine alone, which the server sees to
          CASE WHEN source = 'metadata_document' THEN id ~ '^https?://' AND length(id) <= 512
               -- never shaped like a user's id, so that the sub of a client and of a user cannot collide (RFC 9068 section 5)
               ELSE id ~ '^[A-Za-z0-9._~-]{1,128}$' AND id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' END);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM clients WHERE id ~ '^http://';
      ALTER TABLE clients
        DROP COLUMN registered_metadata,
        DROP CONSTRAINT clients_id_check,
        ADD CONSTRAINT clients_id_check CHECK (
          CASE WHEN source = 'metadata_document' THEN id ~ '^https://' AND length(id) <= 512
               ELSE id ~ '^[A-Za-z0-9._~-]{1,128}$' AND id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' END);
      DROP TABLE initial_access_tokens;
    `);
  }
}
