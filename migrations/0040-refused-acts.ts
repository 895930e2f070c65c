import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How many acts of somebody were refused lately: so many of them go into the audit, and no more. */
export class RefusedActs1700000000040 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE refused_acts (
        actor text PRIMARY KEY,
        acts integer NOT NULL,
        window_ends_at timestamptz NOT NULL
      ) WITH (fillfactor = 80);
      CREATE INDEX refused_acts_end ON refused_acts (window_ends_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE refused_acts`);
  }
}
