import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The server's key rings. What is secret is an AES-256-GCM envelope under a key that the database never sees. */
export class Keys1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE keys (
        kid text PRIMARY KEY,
        purpose text NOT NULL CHECK (purpose IN ('signing', 'mac')),
        algorithm text NOT NULL,
        public_jwk jsonb,
        secret_envelope text NOT NULL,
        created_at timestamptz NOT NULL,
        retired_at timestamptz
      );
      CREATE UNIQUE INDEX keys_active ON keys (purpose, algorithm) WHERE retired_at IS NULL;
      CREATE TABLE revoked_tokens (
        jti text PRIMARY KEY,
        expires_at timestamptz NOT NULL
      );
      CREATE INDEX revoked_tokens_expiry ON revoked_tokens (expires_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE revoked_tokens, keys');
  }
}
