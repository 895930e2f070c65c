import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The owner of an account hears of wrong codes that followed the right password. */
export class SecondFactorTries1700000000033 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE second_factor_failures ADD COLUMN mailed_at timestamptz');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE second_factor_failures DROP COLUMN mailed_at');
  }
}
