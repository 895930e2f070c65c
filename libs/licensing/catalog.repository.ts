import { Injectable } from '@nestjs/common';
import type { FeatureDefinition } from '@core-auth/module-kit/licensing';
import { Database, isUniqueViolation, PublicError, randomUUID, sql, type Transaction } from '#platform';
import { actorOf, type By } from './by.js';
import {
  isCatalogKey,
  moduleProblem,
  newFeatureProblem,
  normalizeBaseUrl,
  permissionsProblem,
  planProblem,
  RESERVED_MODULE_KEYS,
  scopeRolesProblem,
  type Module,
  type ModuleAccess,
  type ModuleChange,
  type NewFeature,
  type NewModule,
  type NewPlanVersion,
  type PlanFeatures,
  type PlanVersion,
  type RolePermissions,
  type ScopeRoles,
} from './catalog.js';

interface ModuleRow {
  key: string;
  name: string;
  base_url: string;
  environment: string;
}

/** What is sold. Each change writes its audit row and tells every node (`catalog-changed`). */
@Injectable()
export class CatalogRepository {
  constructor(private readonly database: Database) {}

  /**
   * @param actor who does it: a user id, a client id, or a word for the process (`seed`)
   * @throws PublicError 400 `invalid_module`; 409 `module_taken`, decided by the constraints
   */
  async createModule(module: NewModule, actor: string): Promise<Module> {
    const { key, name, environment = 'production' } = module;
    requireKey(key, 'invalid_module');
    const problem = RESERVED_MODULE_KEYS.includes(key)
      ? `Scopes of Core Auth itself begin with "${key}": choose another key for the module.`
      : moduleProblem(module);
    if (problem) throw new PublicError(400, 'invalid_module', problem);
    const baseUrl = normalizeBaseUrl(module.baseUrl) ?? '';
    const created = await this.database.query(sql`
      WITH created AS (
        INSERT INTO modules (key, name, base_url, environment)
        VALUES (${key}, ${name}, ${baseUrl}, ${environment})
        ON CONFLICT DO NOTHING
        RETURNING key
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'catalog-changed', key FROM created
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'module.create', ${actor}, key FROM created
      RETURNING id`);
    if (created.length === 0) {
      throw moduleTaken();
    }
    return { key, name, baseUrl, environment };
  }

  /**
   * Gives a module another name or address; tokens are for its address from the next one on.
   * @throws PublicError 400 `invalid_module`; 404 `unknown_module`; 409 `module_taken`, decided by the constraint
   */
  async changeModule(key: string, { name, baseUrl }: ModuleChange, actor: string): Promise<Module> {
    const problem = moduleProblem({ name, baseUrl });
    if (problem) throw new PublicError(400, 'invalid_module', problem);
    const address = baseUrl === undefined ? null : (normalizeBaseUrl(baseUrl) ?? null);
    const [changed] = await this.database
      .query<ModuleRow>(
        sql`
      WITH changed AS (
        UPDATE modules SET name = coalesce(${name ?? null}, name), base_url = coalesce(${address}, base_url)
         WHERE key = ${key}
        RETURNING key, name, base_url, environment
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'catalog-changed', key FROM changed
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, detail)
        SELECT 'module.change', ${actor}::text, key, jsonb_build_object('name', name, 'base_url', base_url) FROM changed
      )
      SELECT * FROM changed`,
      )
      .catch((error: unknown) => {
        throw isUniqueViolation(error) ? moduleTaken() : error;
      });
    if (!changed) throw new PublicError(404, 'unknown_module', `There is no module "${key}".`);
    return moduleOf(changed);
  }

  async moduleByKey(key: string): Promise<Module | undefined> {
    const [row] = await this.database.query<ModuleRow>(sql`
      SELECT key, name, base_url, environment FROM modules WHERE key = ${key}`);
    return row && moduleOf(row);
  }

  /** All of them, by key. */
  async modules(): Promise<Module[]> {
    const rows = await this.database.query<ModuleRow>(sql`
      SELECT key, name, base_url, environment FROM modules ORDER BY key`);
    return rows.map(moduleOf);
  }

  /** All of them, by key, with what an organization's roles may do there. */
  async modulesWithAccess(): Promise<ModuleAccess[]> {
    const rows = await this.database.query<ModuleRow & Pick<ModuleAccess, 'permissions' | 'scopeRoles'>>(sql`
      SELECT m.key, m.name, m.base_url, m.environment,
             (SELECT coalesce(jsonb_object_agg(p.role, p.permissions), '{}')
                FROM module_permissions p WHERE p.module_key = m.key) AS permissions,
             (SELECT coalesce(jsonb_object_agg(s.scope, s.roles), '{}')
                FROM module_scopes s WHERE s.module_key = m.key) AS "scopeRoles"
        FROM modules m ORDER BY m.key`);
    return rows.map(({ permissions, scopeRoles, ...row }) => ({ ...moduleOf(row), permissions, scopeRoles }));
  }

  /**
   * What an organization's members of this role may do in the module, from the next token on.
   * @throws PublicError 400 `invalid_permission`; 404 `unknown_module`
   */
  async setPermissions(given: RolePermissions, actor: string): Promise<void> {
    const problem = permissionsProblem(given);
    if (problem) throw new PublicError(400, 'invalid_permission', problem);
    const { moduleKey, role, permissions } = given;
    await this.database.transaction(async (transaction) => {
      await requireModule(transaction, moduleKey);
      const names = permissions.map((permission) => `${moduleKey}:${permission}`);
      const [taken] = await transaction.query<{ scope: string }>(sql`
        SELECT scope FROM module_scopes
         WHERE module_key = ${moduleKey} AND scope = ANY (${names}::text[]) ORDER BY scope LIMIT 1`);
      if (taken) throw new PublicError(400, 'invalid_permission', nameTaken(taken.scope, 'scope'));
      await transaction.query(sql`
        WITH saved AS (
          INSERT INTO module_permissions (module_key, role, permissions)
          VALUES (${moduleKey}, ${role}, ${[...new Set(permissions)]}::text[])
          ON CONFLICT (module_key, role) DO UPDATE SET permissions = excluded.permissions
          RETURNING module_key, role, permissions
        ), told AS (
          INSERT INTO outbox (kind, subject) SELECT 'catalog-changed', module_key FROM saved
        )
        INSERT INTO audit_events (act, actor, target, detail)
        SELECT 'module.set-permissions', ${actor}::text, module_key,
               jsonb_build_object('role', role, 'permissions', permissions)
          FROM saved`);
    });
  }

  /**
   * Which roles a scope of the module can be granted to, from the next token on; with every role, anybody.
   * @throws PublicError 400 `invalid_scope_roles`; 404 `unknown_module`
   */
  async setScopeRoles(scopeRoles: ScopeRoles, actor: string): Promise<void> {
    const problem = scopeRolesProblem(scopeRoles);
    if (problem) throw new PublicError(400, 'invalid_scope_roles', problem);
    const { moduleKey, scope, roles } = scopeRoles;
    await this.database.transaction(async (transaction) => {
      await requireModule(transaction, moduleKey);
      const [taken] = await transaction.query(sql`
        SELECT FROM module_permissions
         WHERE module_key = ${moduleKey} AND ${scope.slice(moduleKey.length + 1)} = ANY (permissions) LIMIT 1`);
      if (taken) throw new PublicError(400, 'invalid_scope_roles', nameTaken(scope, 'permission'));
      await transaction.query(sql`
        WITH saved AS (
          INSERT INTO module_scopes (module_key, scope, roles)
          VALUES (${moduleKey}, ${scope}, ${[...new Set(roles)]}::text[])
          ON CONFLICT (module_key, scope) DO UPDATE SET roles = excluded.roles
          RETURNING module_key, scope, roles
        ), told AS (
          INSERT INTO outbox (kind, subject) SELECT 'catalog-changed', module_key FROM saved
        )
        INSERT INTO audit_events (act, actor, target, detail)
        SELECT 'module.set-scope-roles', ${actor}::text, module_key,
               jsonb_build_object('scope', scope, 'roles', roles)
          FROM saved`);
    });
  }

  /** @throws PublicError 400 `invalid_feature`; 404 `unknown_module`; 409 `feature_taken` */
  async createFeature(feature: NewFeature, by: By): Promise<void> {
    const actor = actorOf(by);
    const { moduleKey, key, type, combine, period = 'month', thresholds = [80, 100] } = feature;
    requireKey(key, 'invalid_feature');
    const problem = newFeatureProblem(feature);
    if (problem) throw new PublicError(400, 'invalid_feature', problem);
    const detail = type === 'metered' ? { type, combine, period, thresholds } : { type, combine };
    const [outcome] = await this.database.query<{ known: boolean; created: boolean }>(sql`
      WITH known AS (
        SELECT key FROM modules WHERE key = ${moduleKey} FOR KEY SHARE
      ), created AS (
        INSERT INTO features (module_key, key, type, combine, period, thresholds)
        SELECT known.key, ${key}, ${type}, ${combine}, ${period}, ${thresholds}::integer[] FROM known
        ON CONFLICT DO NOTHING
        RETURNING module_key, key
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'catalog-changed', module_key FROM created
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, detail)
        SELECT 'feature.create', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
               module_key || '/' || key, ${JSON.stringify(detail)}::jsonb FROM created
      )
      SELECT EXISTS (SELECT FROM known) AS known, EXISTS (SELECT FROM created) AS created`);
    if (!outcome?.known) throw unknownModule();
    if (!outcome.created) {
      throw new PublicError(409, 'feature_taken', 'The module has a feature with this key already.');
    }
  }

  /**
   * The next version of a plan. Features that it leaves out are not included.
   * @throws PublicError 400 `invalid_plan` naming each unknown feature and wrong value; 404 `unknown_module`;
   * 409 `plan_conflict` when the plan is another module's, or somebody made a version at the same moment
   */
  async createPlanVersion(plan: NewPlanVersion, by: By): Promise<PlanVersion> {
    const actor = actorOf(by);
    const { id = randomUUID(), planKey, name, moduleKey, features } = plan;
    requireKey(planKey, 'invalid_plan');
    return this.database.transaction(async (transaction) => {
      await requireSoundPlan(transaction, moduleKey, features);
      const [created] = await transaction.query<{ version: number }>(sql`
        WITH created AS (
          INSERT INTO plan_versions (id, plan_key, version, name, module_key, features)
          SELECT ${id}, ${planKey}, COALESCE(max(version), 0) + 1, ${name}, ${moduleKey},
                 ${JSON.stringify(features)}::jsonb
            FROM plan_versions WHERE plan_key = ${planKey}
          HAVING COALESCE(bool_and(module_key = ${moduleKey}), true)
          ON CONFLICT (plan_key, version) DO NOTHING
          RETURNING id, version
        ), told AS (
          INSERT INTO outbox (kind, subject) SELECT 'catalog-changed', ${moduleKey} FROM created
        ), audited AS (
          INSERT INTO audit_events (act, actor, address, factor, client_id, target)
          SELECT 'plan-version.create', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
                 id FROM created
        )
        SELECT version FROM created`);
      if (!created) {
        throw new PublicError(
          409,
          'plan_conflict',
          'This plan is sold with another module, or somebody else made a version of it just now.',
        );
      }
      return { id, planKey, version: created.version, name, moduleKey, features };
    });
  }

  /**
   * Corrects a plan version that no license refers to yet; afterwards it is immutable and a change is a new version.
   * @throws PublicError 400 `invalid_plan`; 404 `unknown_plan_version`; 409 `plan_version_in_use`
   */
  async amendPlanVersion(id: string, features: PlanFeatures, by: By): Promise<void> {
    const actor = actorOf(by);
    await this.database.transaction(async (transaction) => {
      // FOR UPDATE holds off the foreign key of a license being issued; the statement after it sees those before
      const [locked] = await transaction.query<{ module_key: string }>(sql`
        SELECT module_key FROM plan_versions WHERE id = ${id} FOR UPDATE`);
      if (!locked) throw new PublicError(404, 'unknown_plan_version', 'There is no such plan version.');
      await requireSoundPlan(transaction, locked.module_key, features);
      const amended = await transaction.query(sql`
        WITH amended AS (
          UPDATE plan_versions SET features = ${JSON.stringify(features)}::jsonb
           WHERE id = ${id} AND NOT EXISTS (SELECT FROM license_terms WHERE plan_version_id = plan_versions.id)
          RETURNING id, module_key
        ), told AS (
          INSERT INTO outbox (kind, subject) SELECT 'catalog-changed', module_key FROM amended
        )
        INSERT INTO audit_events (act, actor, address, factor, client_id, target)
        SELECT 'plan-version.amend', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
               id FROM amended
        RETURNING id`);
      if (amended.length === 0) {
        throw new PublicError(
          409,
          'plan_version_in_use',
          'Licenses refer to this plan version, so that it can no longer change. Make a new version instead.',
        );
      }
    });
  }
}

async function requireSoundPlan(
  transaction: Transaction,
  moduleKey: string,
  features: PlanFeatures,
): Promise<void> {
  const rows = await transaction.query<{
    [Field in keyof FeatureDefinition]: FeatureDefinition[Field] | null;
  }>(sql`
    SELECT features.key, type, combine
      FROM modules LEFT JOIN features ON module_key = modules.key
     WHERE modules.key = ${moduleKey}`);
  if (rows.length === 0) throw unknownModule();
  const definitions = rows.flatMap(({ key, type, combine }) =>
    key !== null && type !== null && combine !== null ? [{ key, type, combine }] : [],
  );
  const problem = planProblem(features, definitions);
  if (problem) throw new PublicError(400, 'invalid_plan', problem);
}

/** Locks the module, so that two changes of its names at once are seen by each other. @throws PublicError 404 */
async function requireModule(transaction: Transaction, key: string): Promise<void> {
  const [known] = await transaction.query(sql`SELECT FROM modules WHERE key = ${key} FOR NO KEY UPDATE`);
  if (!known) throw unknownModule();
}

function nameTaken(name: string, by: 'scope' | 'permission'): string {
  return `"${name}" is a ${by} of the module already: a role that may do the one could do the other too. Choose another name.`;
}

function requireKey(key: string, code: string): void {
  if (isCatalogKey(key)) return;
  throw new PublicError(
    400,
    code,
    'A key is made of small letters, digits and hyphens, begins with a letter and has at most 63 characters.',
  );
}

function unknownModule(): PublicError {
  return new PublicError(404, 'unknown_module', 'There is no such module.');
}

function moduleTaken(): PublicError {
  return new PublicError(409, 'module_taken', 'There is a module with this key or base URL already.');
}

function moduleOf(row: ModuleRow): Module {
  return { key: row.key, name: row.name, baseUrl: row.base_url, environment: row.environment };
}
