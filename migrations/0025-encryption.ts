import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What is personal and searched by nobody becomes an envelope, and what is found by a digest of few possibilities a
 * keyed one. A migration has no key, so that what stood there is dropped.
 */
export class EncryptionAtRest1700000000025 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sessions
        DROP COLUMN user_agent,
        DROP COLUMN address,
        -- what the browser says of itself and the network address; null when nothing is known
        ADD COLUMN browser_envelope text;
      -- nobody read them
      ALTER TABLE known_devices DROP COLUMN user_agent, DROP COLUMN address;

      -- counted by digests that anybody computes from the list of all network addresses
      DELETE FROM sign_in_failures;
      DELETE FROM mail_requests;

      -- they live for minutes: who waits begins anew
      DELETE FROM device_authorizations WHERE state = 'pending';
      ALTER TABLE device_authorizations
        DROP COLUMN user_code,
        -- of the code that a person types; null once it was of no use any more when this column came
        ADD COLUMN user_code_hmac bytea UNIQUE CHECK (length(user_code_hmac) = 32);

      DELETE FROM pushed_requests;
      ALTER TABLE pushed_requests DROP COLUMN parameters, ADD COLUMN parameters_envelope text NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM pushed_requests;
      ALTER TABLE pushed_requests DROP COLUMN parameters_envelope, ADD COLUMN parameters jsonb NOT NULL;
      DELETE FROM device_authorizations;
      ALTER TABLE device_authorizations DROP COLUMN user_code_hmac, ADD COLUMN user_code text NOT NULL UNIQUE;
      ALTER TABLE known_devices
        ADD COLUMN user_agent text NOT NULL DEFAULT '', ADD COLUMN address text NOT NULL DEFAULT '';
      ALTER TABLE known_devices ALTER COLUMN user_agent DROP DEFAULT, ALTER COLUMN address DROP DEFAULT;
      ALTER TABLE sessions
        DROP COLUMN browser_envelope,
        ADD COLUMN user_agent text NOT NULL DEFAULT '', ADD COLUMN address text NOT NULL DEFAULT '';
      ALTER TABLE sessions ALTER COLUMN user_agent DROP DEFAULT, ALTER COLUMN address DROP DEFAULT;
    `);
  }
}
