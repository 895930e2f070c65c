import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How long the sessions of an organization's people last, where it is stricter than the deployment. */
export class SessionLimits1700000000021 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE organizations
        -- null: as the deployment sets it
        ADD COLUMN session_idle_seconds integer CHECK (session_idle_seconds BETWEEN 300 AND 2592000),
        ADD COLUMN session_absolute_seconds integer CHECK (session_absolute_seconds BETWEEN 300 AND 2592000);
      CREATE INDEX organizations_session_limit ON organizations (id) WHERE session_absolute_seconds IS NOT NULL;
      CREATE INDEX sessions_live_organization ON sessions (organization_id, auth_time) WHERE ended_at IS NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX sessions_live_organization, organizations_session_limit;
      ALTER TABLE organizations DROP COLUMN session_absolute_seconds, DROP COLUMN session_idle_seconds;
    `);
  }
}
