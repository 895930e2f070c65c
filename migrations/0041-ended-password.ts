import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A password that was ended, since somebody else may know it, so that its owner does not choose it again. */
export class EndedPassword1700000000041 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // null once another was chosen
    await runner.query(`ALTER TABLE users ADD COLUMN ended_password_hash text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE users DROP COLUMN ended_password_hash`);
  }
}
