import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a mail said goes when it is sent, and mail that anybody may ask for is counted. */
export class Passwords1700000000018 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE mails
        -- null once it is sent
        ALTER COLUMN mail_envelope DROP NOT NULL,
        ADD CHECK (mail_envelope IS NOT NULL OR sent_at IS NOT NULL);

      CREATE TABLE mail_requests (
        -- digest of the purpose and the address, so that nobody reads here who was asked for
        subject bytea PRIMARY KEY,
        requests integer NOT NULL,
        window_ends_at timestamptz NOT NULL
      ) WITH (fillfactor = 80);
      CREATE INDEX mail_requests_end ON mail_requests (window_ends_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE mail_requests;
      DELETE FROM mails WHERE mail_envelope IS NULL;
      ALTER TABLE mails DROP CONSTRAINT mails_check1, ALTER COLUMN mail_envelope SET NOT NULL;
    `);
  }
}
