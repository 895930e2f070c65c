import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What outlives a deletion, how often one is told by mail, and which application acted. */
export class Deletion1700000000029 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- the application that acted for the actor by an access token
      ALTER TABLE audit_events ADD COLUMN client_id text;

      -- an organization that has ended has had its trials all the same
      ALTER TABLE trial_ledger DROP CONSTRAINT trial_ledger_organization_id_fkey;

      ALTER TABLE users
        -- when the person was last told that their deletion was asked for, and whether they are to be told again
        ADD COLUMN deletion_told_at timestamptz,
        ADD COLUMN deletion_untold boolean NOT NULL DEFAULT false;
      CREATE INDEX users_deletion_untold ON users (deletion_told_at) WHERE deletion_untold;
      ALTER TABLE organizations
        -- the same of the owners
        ADD COLUMN deletion_told_at timestamptz,
        ADD COLUMN deletion_untold boolean NOT NULL DEFAULT false;
      CREATE INDEX organizations_deletion_untold ON organizations (deletion_told_at) WHERE deletion_untold;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE organizations DROP COLUMN deletion_untold, DROP COLUMN deletion_told_at;
      ALTER TABLE users DROP COLUMN deletion_untold, DROP COLUMN deletion_told_at;
      DELETE FROM trial_ledger t WHERE NOT EXISTS (SELECT FROM organizations o WHERE o.id = t.organization_id);
      ALTER TABLE trial_ledger
        ADD CONSTRAINT trial_ledger_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations;
      ALTER TABLE audit_events DROP COLUMN client_id;
    `);
  }
}
