import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Second factors and passkeys, sign-ins that wait for one, and organizations that ask for one. */
export class Factors1700000000019 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE users
        -- how many factors the person has besides a password: one row decides every race about the last and the most
        ADD COLUMN second_factors integer NOT NULL DEFAULT 0 CHECK (second_factors BETWEEN 0 AND 21);
      ALTER TABLE organizations ADD COLUMN second_factor_required boolean NOT NULL DEFAULT false;
      ALTER TABLE sessions
        -- when the person chose to go on without the second factor that an application had wished for
        ADD COLUMN second_factor_declined_at timestamptz;

      CREATE TABLE totp_factors (
        user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
        secret_envelope text NOT NULL,
        -- of the code that was used last: no code of it or before is taken again
        last_step bigint NOT NULL,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz
      );

      CREATE TABLE passkeys (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        -- base64url
        credential_id text NOT NULL UNIQUE CHECK (length(credential_id) <= 1366),
        -- COSE
        public_key bytea NOT NULL,
        signature_count bigint NOT NULL,
        transports text[] NOT NULL,
        -- a provider may keep it on several devices
        synced boolean NOT NULL,
        name text NOT NULL,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz
      );
      CREATE INDEX passkeys_user ON passkeys (user_id);

      CREATE TABLE webauthn_challenges (
        challenge text PRIMARY KEY,
        -- of the cookie of the browser that it was given to
        browser_sha256 bytea NOT NULL,
        purpose text NOT NULL,
        -- null while nobody knows who signs in
        user_id uuid REFERENCES users ON DELETE CASCADE,
        expires_at timestamptz NOT NULL
      );
      CREATE INDEX webauthn_challenges_user ON webauthn_challenges (user_id);
      CREATE INDEX webauthn_challenges_browser ON webauthn_challenges (browser_sha256);
      CREATE INDEX webauthn_challenges_expiry ON webauthn_challenges (expires_at);

      CREATE TABLE recovery_codes (
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        code_sha256 bytea NOT NULL,
        created_at timestamptz NOT NULL,
        used_at timestamptz,
        PRIMARY KEY (user_id, code_sha256)
      );

      CREATE TABLE pending_sign_ins (
        id uuid PRIMARY KEY,
        secret_sha256 bytea NOT NULL UNIQUE,
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        -- what was proven so far
        amr text[] NOT NULL,
        tries integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
      );
      CREATE INDEX pending_sign_ins_user ON pending_sign_ins (user_id);
      CREATE INDEX pending_sign_ins_expiry ON pending_sign_ins (expires_at);

      CREATE TABLE second_factor_failures (
        user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
        failures integer NOT NULL,
        last_failed_at timestamptz NOT NULL,
        locked_until timestamptz NOT NULL
      );
      CREATE INDEX second_factor_failures_age ON second_factor_failures (last_failed_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE second_factor_failures, pending_sign_ins, recovery_codes, webauthn_challenges, passkeys, totp_factors;
      ALTER TABLE sessions DROP COLUMN second_factor_declined_at;
      ALTER TABLE organizations DROP COLUMN second_factor_required;
      ALTER TABLE users DROP COLUMN second_factors;
    `);
  }
}
