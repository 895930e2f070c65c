import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Organizations that their people run: roles of their own, invitations, and the deletion of both, with a grace. */
export class Organizations1700000000020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE organizations
        -- null when nobody knows by now, or a command did it
        ADD COLUMN created_by uuid REFERENCES users ON DELETE SET NULL,
        -- until then an owner may think better of it
        ADD COLUMN deletion_at timestamptz,
        -- since then there is no way back
        ADD COLUMN removal_started_at timestamptz;
      CREATE INDEX organizations_creator ON organizations (created_by);
      CREATE INDEX organizations_deletion ON organizations (deletion_at) WHERE deletion_at IS NOT NULL;

      ALTER TABLE users
        ADD COLUMN deletion_at timestamptz,
        ADD COLUMN removal_started_at timestamptz;
      CREATE INDEX users_deletion ON users (deletion_at) WHERE deletion_at IS NOT NULL;

      CREATE TABLE organization_roles (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
        key text NOT NULL CHECK (key ~ '^[a-z][a-z0-9-]{0,62}$'
                                 AND key NOT IN ('owner', 'administrator', 'member', 'billing')),
        name text NOT NULL,
        -- as they stand in tokens: projects:archive
        permissions text[] NOT NULL CHECK (cardinality(permissions) <= 50),
        created_at timestamptz NOT NULL,
        UNIQUE (organization_id, key),
        UNIQUE (organization_id, id)
      );

      ALTER TABLE memberships
        -- in place of what the catalog lets a member do
        ADD COLUMN custom_role_id uuid,
        ADD CHECK (custom_role_id IS NULL OR role = 'member'),
        ADD FOREIGN KEY (organization_id, custom_role_id) REFERENCES organization_roles (organization_id, id);
      CREATE INDEX memberships_custom_role ON memberships (organization_id, custom_role_id);

      -- its secret is that of the single-use token of the same id
      CREATE TABLE invitations (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
        email text NOT NULL,
        role text NOT NULL CHECK (role IN ('owner', 'administrator', 'member', 'billing')),
        custom_role_id uuid,
        -- whose seat is kept, as the inviter chose it
        license_id uuid,
        invited_by text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        -- it is remembered for a while, so that nobody is written to without end
        mails_sent integer NOT NULL,
        accepted_at timestamptz,
        withdrawn_at timestamptz,
        UNIQUE (organization_id, email),
        CHECK (custom_role_id IS NULL OR role = 'member'),
        FOREIGN KEY (organization_id, custom_role_id) REFERENCES organization_roles (organization_id, id)
      );
      CREATE INDEX invitations_custom_role ON invitations (organization_id, custom_role_id);
      CREATE INDEX invitations_expiry ON invitations (expires_at);

      -- what the catalog lets a role do, as it stands in tokens
      CREATE FUNCTION permissions_of_role(held text) RETURNS text[] LANGUAGE sql STABLE AS $$
        SELECT coalesce(array_agg(permission ORDER BY permission), '{}') FROM (
          SELECT p.module_key || ':' || name AS permission
            FROM module_permissions p, unnest(p.permissions) AS name WHERE p.role = held
          UNION SELECT s.scope FROM module_scopes s WHERE held = ANY (s.roles)) AS allowed
      $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM one_time_tokens WHERE purpose = 'invitation';
      DROP FUNCTION permissions_of_role;
      DROP TABLE invitations;
      ALTER TABLE memberships DROP COLUMN custom_role_id;
      DROP TABLE organization_roles;
      ALTER TABLE users DROP COLUMN removal_started_at, DROP COLUMN deletion_at;
      ALTER TABLE organizations DROP COLUMN removal_started_at, DROP COLUMN deletion_at, DROP COLUMN created_by;
    `);
  }
}
