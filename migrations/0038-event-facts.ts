import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an event says beside whom or what it is about; rows from before say no more than that. */
export class EventFacts1700000000038 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE outbox
        ADD COLUMN facts jsonb
          CONSTRAINT outbox_facts CHECK (jsonb_typeof(facts) = 'object' AND octet_length(facts::text) <= 1024);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE outbox DROP COLUMN facts');
  }
}
