import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who is signed in, and who keeps failing to. */
export class Sessions1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sessions (
        id uuid PRIMARY KEY,
        secret_sha256 bytea NOT NULL UNIQUE,
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        organization_id uuid REFERENCES organizations ON DELETE SET NULL,
        amr text[] NOT NULL,
        auth_time timestamptz NOT NULL,
        last_seen_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        user_agent text NOT NULL,
        address text NOT NULL
      ) WITH (fillfactor = 80);
      CREATE INDEX sessions_user ON sessions (user_id);
      CREATE INDEX sessions_organization ON sessions (organization_id);
      CREATE INDEX sessions_expiry ON sessions (expires_at);
      CREATE TABLE sign_in_failures (
        subject text PRIMARY KEY,
        failures integer NOT NULL,
        last_failed_at timestamptz NOT NULL,
        locked_until timestamptz NOT NULL
      );
      CREATE INDEX sign_in_failures_age ON sign_in_failures (last_failed_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sign_in_failures, sessions');
  }
}
