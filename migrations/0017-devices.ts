import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The browsers that people have signed in from, and whom a count of failed sign-ins is about. */
export class Devices1700000000017 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE known_devices (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        -- of the cookie; another for each account and browser
        secret_sha256 bytea NOT NULL UNIQUE,
        user_agent text NOT NULL,
        address text NOT NULL,
        first_seen_at timestamptz NOT NULL,
        -- the last sign-in; null while a link that ended a delay has let the browser in, and nobody has signed in yet
        last_seen_at timestamptz,
        -- until then it stands for a second factor
        remembered_until timestamptz
      );
      CREATE INDEX known_devices_user ON known_devices (user_id);
      CREATE INDEX known_devices_age ON known_devices ((coalesce(last_seen_at, first_seen_at)));

      ALTER TABLE sign_in_failures
        -- of whom the failures are, unless they are a network's or nobody's
        ADD COLUMN user_id uuid,
        -- a letter with a link that ends the delay is to be written
        ADD COLUMN mail_due boolean NOT NULL DEFAULT false,
        -- when the last one was
        ADD COLUMN mailed_at timestamptz;
      CREATE INDEX sign_in_failures_user ON sign_in_failures (user_id) WHERE user_id IS NOT NULL;
      CREATE INDEX sign_in_failures_mail ON sign_in_failures (last_failed_at) WHERE mail_due;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sign_in_failures DROP COLUMN user_id, DROP COLUMN mail_due, DROP COLUMN mailed_at;
      DROP TABLE known_devices;
    `);
  }
}
