import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Whether a password is short is known, or it is not: what `0023-account-data` assumed is no fact. And sessions that
 * moved on to another organization are found without a look at all that organizations gave.
 */
export class LengthAndMoves1700000000031 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- null: nobody knows; it counts as short, until the password is given again
      ALTER TABLE users ALTER COLUMN password_short DROP NOT NULL;
      -- what was assumed cannot be told from what was chosen since
      UPDATE users SET password_short = NULL WHERE password_short;

      -- sessions that may have left an organization, whose limit goes on for what they gave there
      CREATE INDEX sessions_moved ON sessions (auth_time)
       WHERE ended_at IS NULL AND (organization_chosen_at IS NOT NULL OR organization_id IS NULL);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX sessions_moved;
      UPDATE users SET password_short = true WHERE password_short IS NULL;
      ALTER TABLE users ALTER COLUMN password_short SET NOT NULL;
    `);
  }
}
