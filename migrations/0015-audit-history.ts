import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was done with one thing, such as a license, is found without reading what its organization did. */
export class AuditHistory1700000000015 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX audit_events_target ON audit_events (organization_id, target, id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX audit_events_target');
  }
}
