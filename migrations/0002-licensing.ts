import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is sold (modules, features, plan versions) and what was bought (licenses, overrides, seats). */
export class Licensing1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE modules (
        key text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9-]{0,62}$'),
        name text NOT NULL,
        base_url text NOT NULL UNIQUE,
        environment text NOT NULL DEFAULT 'production',
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE TABLE features (
        module_key text NOT NULL REFERENCES modules,
        key text NOT NULL CHECK (key ~ '^[a-z][a-z0-9-]{0,62}$'),
        type text NOT NULL CHECK (type IN ('boolean', 'limit', 'metered')),
        combine text NOT NULL DEFAULT 'max' CHECK (combine IN ('max', 'sum')),
        PRIMARY KEY (module_key, key)
      );
      CREATE TABLE plan_versions (
        id uuid PRIMARY KEY,
        plan_key text NOT NULL,
        version integer NOT NULL CHECK (version > 0),
        name text NOT NULL,
        module_key text NOT NULL REFERENCES modules,
        -- feature key -> true | false | whole number | null (unlimited)
        features jsonb NOT NULL CHECK (jsonb_typeof(features) = 'object'),
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (plan_key, version)
      );
      CREATE INDEX plan_versions_module ON plan_versions (module_key);
      CREATE TABLE licenses (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL REFERENCES organizations,
        module_key text NOT NULL REFERENCES modules,
        environment text NOT NULL DEFAULT 'production',
        plan_version_id uuid NOT NULL REFERENCES plan_versions,
        status text NOT NULL CHECK (status IN ('draft', 'issued', 'suspended', 'cancelled', 'revoked')),
        starts_at timestamptz NOT NULL,
        ends_at timestamptz,
        grace_days integer NOT NULL DEFAULT 0 CHECK (grace_days BETWEEN 0 AND 3650),
        seat_model text NOT NULL DEFAULT 'unlimited' CHECK (seat_model IN ('named', 'floating', 'unlimited')),
        seat_limit integer CHECK (seat_limit >= 0),
        trial boolean NOT NULL DEFAULT false,
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        CHECK (ends_at IS NULL OR ends_at > starts_at),
        CHECK ((seat_model = 'unlimited') = (seat_limit IS NULL))
      );
      CREATE INDEX licenses_organization ON licenses (organization_id, module_key);
      CREATE INDEX licenses_module ON licenses (module_key);
      CREATE INDEX licenses_plan_version ON licenses (plan_version_id);
      CREATE TABLE license_overrides (
        license_id uuid NOT NULL REFERENCES licenses ON DELETE CASCADE,
        feature_key text NOT NULL,
        removed boolean NOT NULL DEFAULT false,
        value jsonb,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz,
        PRIMARY KEY (license_id, feature_key)
      );
      CREATE TABLE seat_assignments (
        id uuid PRIMARY KEY,
        license_id uuid NOT NULL REFERENCES licenses ON DELETE CASCADE,
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        assigned_at timestamptz NOT NULL,
        released_at timestamptz
      );
      CREATE UNIQUE INDEX seat_assignments_active ON seat_assignments (license_id, user_id) WHERE released_at IS NULL;
      CREATE INDEX seat_assignments_license ON seat_assignments (license_id);
      CREATE INDEX seat_assignments_user ON seat_assignments (user_id);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE seat_assignments, license_overrides, licenses, plan_versions, features, modules',
    );
  }
}
