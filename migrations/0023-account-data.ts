import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a person takes along is found, and a password that is good only beside a second factor is known. */
export class AccountData1700000000023 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX audit_events_actor ON audit_events (actor, id);
      CREATE INDEX audit_events_about ON audit_events (target, id);
      CREATE INDEX invitations_email ON invitations (email);

      ALTER TABLE users
        -- whether it has fewer characters than one that stands alone; how many is nobody's business
        ADD COLUMN password_short boolean NOT NULL DEFAULT false;
      -- where it may have been chosen beside a second factor, nobody knows
      UPDATE users SET password_short = true
       WHERE second_factors > 0 AND password_hash IS NOT NULL AND password_changed_at > '-infinity';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE users DROP COLUMN password_short;
      DROP INDEX invitations_email;
      DROP INDEX audit_events_about;
      DROP INDEX audit_events_actor;
    `);
  }
}
