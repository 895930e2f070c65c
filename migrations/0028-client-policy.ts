import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Confidential clients that an administrator excuses from PKCE and from the nonce that takes its place. */
export class ClientPolicy1700000000028 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE clients
        ADD COLUMN nonce_required boolean NOT NULL DEFAULT true,
        ADD CONSTRAINT clients_nonce_check CHECK (nonce_required OR NOT pkce_required AND source = 'administrator');
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE clients DROP COLUMN nonce_required');
  }
}
