import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a person allows for their own account alone is for no organization. */
export class NoOrganization1700000000039 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE authorizations ALTER COLUMN organization_id DROP NOT NULL;
      ALTER TABLE consents
        DROP CONSTRAINT consents_pkey,
        ADD CONSTRAINT consents_once UNIQUE NULLS NOT DISTINCT (user_id, client_id, organization_id);
      ALTER TABLE consents ALTER COLUMN organization_id DROP NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM authorizations WHERE organization_id IS NULL;
      DELETE FROM consents WHERE organization_id IS NULL;
      ALTER TABLE authorizations ALTER COLUMN organization_id SET NOT NULL;
      ALTER TABLE consents
        DROP CONSTRAINT consents_once,
        ADD CONSTRAINT consents_pkey PRIMARY KEY (user_id, client_id, organization_id);
    `);
  }
}
