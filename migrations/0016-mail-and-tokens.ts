import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Mail that waits to be sent, the single-use tokens that it carries, and who did what with which factor. */
export class MailAndTokens1700000000016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE mails (
        id uuid PRIMARY KEY,
        -- recipient, subject and text, which may hold the secret of a token
        mail_envelope text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL DEFAULT now(),
        -- while it is being sent; after that, whoever sends it has died and another may
        leased_until timestamptz,
        sent_at timestamptz,
        failed_at timestamptz,
        last_error text,
        CHECK (sent_at IS NULL OR failed_at IS NULL)
      ) WITH (fillfactor = 80);
      CREATE INDEX mails_due ON mails (next_attempt_at) WHERE sent_at IS NULL AND failed_at IS NULL;
      CREATE INDEX mails_settled ON mails ((coalesce(sent_at, failed_at)))
        WHERE sent_at IS NOT NULL OR failed_at IS NOT NULL;

      CREATE TABLE one_time_tokens (
        id uuid PRIMARY KEY,
        secret_sha256 bytea NOT NULL UNIQUE,
        -- what it may be used for, and nothing else
        purpose text NOT NULL,
        -- null while there is no account yet
        user_id uuid REFERENCES users ON DELETE CASCADE,
        -- the mailbox that it was sent to
        email text NOT NULL,
        detail jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
      );
      CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);
      CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, purpose);

      ALTER TABLE users
        ADD COLUMN email_verified_at timestamptz,
        -- who signs in with a passkey alone has none
        ALTER COLUMN password_hash DROP NOT NULL;

      ALTER TABLE audit_events
        -- the methods (RFC 8176) by which the actor had authenticated
        ADD COLUMN factor text,
        ADD COLUMN result text NOT NULL DEFAULT 'success' CHECK (result IN ('success', 'failure'));
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE audit_events DROP COLUMN result, DROP COLUMN factor;
      UPDATE users SET password_hash = '' WHERE password_hash IS NULL;
      ALTER TABLE users ALTER COLUMN password_hash SET NOT NULL, DROP COLUMN email_verified_at;
      DROP TABLE one_time_tokens, mails;
    `);
  }
}
