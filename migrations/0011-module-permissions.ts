import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an organization's roles may do in a module, and which of them its scopes can be granted to. */
export class ModulePermissions1700000000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE module_permissions (
        module_key text NOT NULL REFERENCES modules,
        role text NOT NULL CHECK (role IN ('owner', 'administrator', 'member', 'billing')),
        permissions text[] NOT NULL CHECK (cardinality(permissions) <= 50),
        PRIMARY KEY (module_key, role)
      );
      -- a scope that is not here can be granted to every role
      CREATE TABLE module_scopes (
        module_key text NOT NULL REFERENCES modules,
        scope text NOT NULL CHECK (length(scope) <= 128 AND starts_with(scope, module_key || ':')),
        roles text[] NOT NULL CHECK (roles <@ ARRAY['owner', 'administrator', 'member', 'billing']),
        PRIMARY KEY (module_key, scope)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE module_scopes, module_permissions');
  }
}
