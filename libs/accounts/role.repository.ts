import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Clock, Database, PublicError, randomUUID, sql } from '#platform';
import { normalizeName } from './person-name.js';
import { organizationKeyOf } from './organization.js';
import { rolesFor } from './organization-authority.js';
import { refusalOf, type ActFacts } from './organization-errors.js';
import { customRoleProblem, MOST_CUSTOM_ROLES, type CustomRole, type CustomRoleDraft } from './role.js';

/** SQLSTATE foreign_key_violation: somebody has the role. */
const HELD = '23503';

/** The roles that an organization makes of permissions. Nobody puts into one what they have not themselves. */
@Injectable()
export class RoleRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** By name. */
  async list(organizationId: string): Promise<CustomRole[]> {
    return this.database.query<CustomRole>(sql`
      SELECT r.id, r.key, r.name, r.permissions,
             (SELECT count(*)::int FROM memberships m WHERE m.custom_role_id = r.id)
               + (SELECT count(*)::int FROM invitations i
                   WHERE i.custom_role_id = r.id AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL) AS holders
        FROM organization_roles r WHERE r.organization_id = ${organizationId} ORDER BY lower(r.name), r.id`);
  }

  /** What a built-in role may do in modules, and so may put into a custom role. */
  async permissionsOf(role: string): Promise<string[]> {
    const [row] = await this.database.query<{ permissions: string[] }>(
      sql`SELECT permissions_of_role(${role}) AS permissions`,
    );
    return row?.permissions ?? [];
  }

  /**
   * @returns its id
   * @throws PublicError 400 `invalid_role`; 403 `access_denied`, `beyond_authority`; 409 `role_taken`, `too_many_roles`
   */
  async create(organizationId: string, draft: CustomRoleDraft, by: Actor): Promise<string> {
    const { key, name, permissions } = checked(draft);
    const id = randomUUID();
    const facts = await this.database.transaction(async (on) => {
      // two at once would count the same; the statement after the lock sees what was committed before it
      await on.query(sql`SELECT FROM organizations WHERE id = ${organizationId} FOR NO KEY UPDATE`);
      const [found] = await on.query<ActFacts & { room: boolean; created: boolean }>(sql`
        WITH actor AS (
          SELECT role FROM memberships
           WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
             AND role = ANY (${rolesFor('roles:write')}::text[]) FOR SHARE
        ), facts AS (
          SELECT EXISTS (SELECT FROM actor) AS allowed,
                 EXISTS (SELECT FROM actor WHERE ${permissions}::text[] <@ permissions_of_role(actor.role)) AS within,
                 (SELECT count(*) FROM organization_roles WHERE organization_id = ${organizationId})
                   < ${MOST_CUSTOM_ROLES}::int AS room
        ), created AS (
          INSERT INTO organization_roles (id, organization_id, key, name, permissions, created_at)
          SELECT ${id}, ${organizationId}, ${key}, ${name}, ${permissions}, ${this.clock.now()} FROM facts
           WHERE allowed AND within AND room
          ON CONFLICT (organization_id, key) DO NOTHING
          RETURNING id, organization_id
        ), audited AS (
          INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
          SELECT 'role.create', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id, organization_id,
                 jsonb_build_object('key', ${key}::text, 'permissions', ${permissions}::text[])
            FROM created
        )
        SELECT *, EXISTS (SELECT FROM created) AS created FROM facts`);
      return found;
    });
    const refusal = refusalOf(facts, 'role');
    if (refusal) throw refusal;
    if (!facts?.room) {
      const most = `An organization has at most ${MOST_CUSTOM_ROLES} roles of its own: delete one first.`;
      throw new PublicError(409, 'too_many_roles', most);
    }
    if (!facts.created) throw taken();
    return id;
  }

  /**
   * Changes its name and permissions; its key, by which modules know it, stays. Tokens of whoever has it are renewed.
   * @throws PublicError 400 `invalid_role`; 403 `access_denied`, `beyond_authority`; 404 `unknown_role`
   */
  async change(organizationId: string, roleId: string, draft: CustomRoleDraft, by: Actor): Promise<void> {
    const { name, permissions } = checked(draft);
    const [facts] = await this.database.query<ActFacts>(sql`
      WITH actor AS (
        SELECT role FROM memberships
         WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
           AND role = ANY (${rolesFor('roles:write')}::text[]) FOR SHARE
      ), target AS (
        SELECT id FROM organization_roles WHERE organization_id = ${organizationId} AND id::text = ${roleId} FOR UPDATE
      ), facts AS (
        SELECT EXISTS (SELECT FROM actor) AS allowed, EXISTS (SELECT FROM target) AS known,
               EXISTS (SELECT FROM actor WHERE ${permissions}::text[] <@ permissions_of_role(actor.role)) AS within
      ), changed AS (
        UPDATE organization_roles r SET name = ${name}, permissions = ${permissions} FROM facts, target
         WHERE r.id = target.id AND allowed AND within
        RETURNING r.id, r.organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'membership-changed', m.user_id, m.organization_id
          FROM memberships m JOIN changed ON m.custom_role_id = changed.id
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
        SELECT 'role.change', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id, organization_id,
               jsonb_build_object('name', ${name}::text, 'permissions', ${permissions}::text[])
          FROM changed
      )
      SELECT * FROM facts`);
    const refusal = refusalOf(facts, 'role');
    if (refusal) throw refusal;
  }

  /**
   * Deletes a role that nobody has and nobody is invited to.
   * @throws PublicError 403 `access_denied`; 404 `unknown_role`; 409 `role_held`, decided by the constraint
   */
  async delete(organizationId: string, roleId: string, by: Actor): Promise<void> {
    const [facts] = await this.database
      .query<ActFacts>(
        sql`
      WITH actor AS (
        SELECT FROM memberships
         WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
           AND role = ANY (${rolesFor('roles:write')}::text[]) FOR SHARE
      ), settled AS (
        -- what was answered keeps no role
        UPDATE invitations SET custom_role_id = NULL
         WHERE organization_id = ${organizationId} AND custom_role_id::text = ${roleId}
           AND (accepted_at IS NOT NULL OR withdrawn_at IS NOT NULL) AND EXISTS (SELECT FROM actor)
      ), deleted AS (
        DELETE FROM organization_roles r
         WHERE r.organization_id = ${organizationId} AND r.id::text = ${roleId} AND EXISTS (SELECT FROM actor)
        RETURNING r.id, r.organization_id, r.key
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
        SELECT 'role.delete', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null},
               id, organization_id, jsonb_build_object('key', key)
          FROM deleted
      )
      SELECT EXISTS (SELECT FROM actor) AS allowed, EXISTS (SELECT FROM deleted) AS known`,
      )
      .catch((error: Error & { code?: string }) => {
        if (error.code !== HELD) throw error;
        throw new PublicError(
          409,
          'role_held',
          'People have this role, or are invited to it: give them another one first.',
        );
      });
    const refusal = refusalOf(facts, 'role');
    if (refusal) throw refusal;
  }
}

/** @throws PublicError 400 `invalid_role` */
function checked({ name, permissions }: CustomRoleDraft) {
  const draft = { name: normalizeName(name), permissions: [...new Set(permissions)].sort() };
  const key = organizationKeyOf(draft.name);
  const problem = customRoleProblem(draft, key);
  if (problem) throw new PublicError(400, 'invalid_role', problem);
  return { ...draft, key };
}

function taken(): PublicError {
  return new PublicError(409, 'role_taken', 'The organization has a role of this name already.');
}
