import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What may be given to others is decided in one place, and what is to be billed outlives the organization. */
export class OrganizationEnds1700000000024 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- whether who has the role giver may give another one, or a custom role in place of it; makers: who may make
      -- custom roles: what none of them holds, the catalog has dropped, and it is nothing that anybody gets
      CREATE FUNCTION may_give(giver text, given text, given_custom uuid, makers text[]) RETURNS boolean
      LANGUAGE sql STABLE AS $$
        SELECT (giver = 'owner' OR given <> 'owner') AND NOT EXISTS (
          SELECT FROM organization_roles r, unnest(r.permissions) AS permission
           WHERE r.id = given_custom AND permission <> ALL (permissions_of_role(giver))
             AND EXISTS (SELECT FROM unnest(makers) AS maker WHERE permission = ANY (permissions_of_role(maker))))
      $$;

      -- what the licenses of a removed organization had counted, for its last bill
      CREATE TABLE removed_usage (
        license_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        module_key text NOT NULL,
        feature_key text NOT NULL,
        period_starts_at timestamptz NOT NULL,
        period_ends_at timestamptz NOT NULL,
        used bigint NOT NULL,
        overage bigint,
        PRIMARY KEY (license_id, feature_key, period_starts_at)
      );
      CREATE INDEX removed_usage_age ON removed_usage (period_ends_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE removed_usage;
      DROP FUNCTION may_give;
    `);
  }
}
