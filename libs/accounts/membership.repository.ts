import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { cursorOf, Database, placeOf, PublicError, sql } from '#platform';
import type { Role } from './account.js';
import type { Member, MemberFilter, MemberPage } from './membership.js';
import { rolesFor } from './organization-authority.js';
import { refusalOf, unknownRole, type ActFacts } from './organization-errors.js';
import { givenRoleProblem, type GivenRole } from './role.js';

interface MemberRow extends Omit<Member, 'customRole'> {
  custom_role: Member['customRole'];
  sorted_by: string;
}

/** Whom an act is about. */
export interface MemberOf {
  readonly organizationId: string;
  readonly userId: string;
}

/**
 * Who belongs to an organization as what. Each act locks the owners, the actor and the member it is about, first their
 * accounts and then their memberships, each in one order, and decides by what they are once they are locked: so an
 * organization never loses its last owner, and nobody acts by a role that they have just lost. An owner who cannot sign
 * in, or is about to be gone, is none; whoever asks for the deletion of an account locks the same accounts.
 */
@Injectable()
export class MembershipRepository {
  constructor(private readonly database: Database) {}

  /** By name. */
  async list(organizationId: string, { search = '', after, limit }: MemberFilter): Promise<MemberPage> {
    const last = after === undefined ? undefined : placeOf(after);
    const rows = await this.database.query<MemberRow>(sql`
      SELECT u.id AS "userId", u.name, u.email, m.role, m.created_at AS "joinedAt", u.disabled_at AS "disabledAt",
             u.second_factors > 0 AS "secondFactor", lower(u.name) AS sorted_by,
             (SELECT jsonb_build_object('id', r.id, 'name', r.name)
                FROM organization_roles r WHERE r.id = m.custom_role_id) AS custom_role
        FROM memberships m JOIN users u ON u.id = m.user_id
       WHERE m.organization_id = ${organizationId}
         AND (strpos(lower(u.name), lower(${search})) > 0 OR strpos(u.email, lower(${search})) > 0)
         AND (${last?.id ?? null}::uuid IS NULL
              OR (lower(u.name), u.id) > (${last?.key ?? null}::text, ${last?.id ?? null}::uuid))
       ORDER BY lower(u.name), u.id LIMIT ${limit === 'all' ? null : limit + 1}`);
    const page = limit === 'all' ? rows : rows.slice(0, limit);
    const end = rows.length > page.length ? page.at(-1) : undefined;
    return {
      members: page.map(({ custom_role: customRole, sorted_by: _, ...row }) => ({ ...row, customRole })),
      next: end && cursorOf({ key: end.sorted_by, id: end.userId }),
    };
  }

  /** How many belong to it as what. */
  async counts(organizationId: string): Promise<Readonly<Partial<Record<Role, number>>>> {
    const rows = await this.database.query<{ role: Role; count: number }>(sql`
      SELECT role, count(*)::int AS count FROM memberships WHERE organization_id = ${organizationId} GROUP BY role`);
    return Object.fromEntries(rows.map(({ role, count }) => [role, count]));
  }

  /**
   * Gives a member another role; the one they have already changes nothing.
   * @throws PublicError 400 `invalid_role`; 403 `access_denied`, `beyond_authority`; 404 `unknown_member`,
   * `unknown_role`; 409 `last_owner`
   */
  async changeRole({ organizationId, userId }: MemberOf, given: GivenRole, by: Actor): Promise<void> {
    const problem = givenRoleProblem(given);
    if (problem) throw new PublicError(400, 'invalid_role', problem);
    const { role, customRoleId = null } = given;
    const [facts] = await this.database.query<ActFacts & { role_known: boolean }>(sql`
      WITH people AS MATERIALIZED (
        SELECT u.id, u.disabled_at IS NULL AND u.deletion_at IS NULL AS lasting FROM users u
         WHERE u.id IN (SELECT user_id FROM memberships
                         WHERE organization_id = ${organizationId}
                           AND (role = 'owner' OR user_id::text IN (${by.id}, ${userId})))
         ORDER BY u.id FOR NO KEY UPDATE
      ), locked AS MATERIALIZED (
        SELECT m.user_id, m.role, m.custom_role_id, p.lasting FROM memberships m JOIN people p ON p.id = m.user_id
         WHERE m.organization_id = ${organizationId}
           AND (m.role = 'owner' OR m.user_id::text IN (${by.id}, ${userId}))
         ORDER BY m.user_id FOR UPDATE OF m
      ), custom AS MATERIALIZED (
        SELECT FROM organization_roles
         WHERE organization_id = ${organizationId} AND id = ${customRoleId}::uuid FOR KEY SHARE
      ), actor AS (
        SELECT role FROM locked WHERE user_id::text = ${by.id} AND role = ANY (${rolesFor('members:change')}::text[])
      ), target AS (
        SELECT user_id, role FROM locked WHERE user_id::text = ${userId}
      ), facts AS (
        SELECT EXISTS (SELECT FROM actor) AS allowed, EXISTS (SELECT FROM target) AS known,
               ${customRoleId}::uuid IS NULL OR EXISTS (SELECT FROM custom) AS role_known,
               -- nobody but an owner makes or unmakes one, or gives what they have not
               EXISTS (SELECT FROM actor, target
                        WHERE (actor.role = 'owner' OR target.role <> 'owner')
                          AND may_give(actor.role, ${role}::text, ${customRoleId}::uuid,
                                       ${rolesFor('roles:write')}::text[])) AS within,
               ${role}::text = 'owner' OR EXISTS (SELECT FROM target WHERE target.role <> 'owner')
                 OR EXISTS (SELECT FROM locked
                             WHERE role = 'owner' AND lasting AND user_id::text <> ${userId}) AS owned
      ), changed AS (
        UPDATE memberships m SET role = ${role}, custom_role_id = ${customRoleId}::uuid FROM facts, target
         WHERE m.organization_id = ${organizationId} AND m.user_id = target.user_id
           AND (m.role <> ${role}::text OR m.custom_role_id IS DISTINCT FROM ${customRoleId}::uuid)
           AND allowed AND known AND role_known AND within AND owned
        RETURNING m.user_id, m.organization_id, target.role AS before
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'membership-changed', user_id, organization_id FROM changed
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
        SELECT 'membership.change-role', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null},
               user_id, organization_id,
               jsonb_strip_nulls(jsonb_build_object('from', before, 'role', ${role}::text,
                                                    'custom_role', ${customRoleId}::text))
          FROM changed
      )
      SELECT * FROM facts`);
    const refusal = refusalOf(facts, 'member');
    if (refusal) throw refusal;
    if (facts?.role_known === false) throw unknownRole();
  }

  /**
   * Ends a membership, whoever's it is: the member's own act is leaving. With it end, in the same statement, the
   * authorizations for the organization; the person's sessions go on, for no organization.
   * @throws PublicError 403 `access_denied`, `beyond_authority`; 404 `unknown_member`; 409 `last_owner`
   */
  async remove({ organizationId, userId }: MemberOf, by: Actor): Promise<void> {
    const act = by.id === userId ? 'membership.leave' : 'membership.remove';
    const [facts] = await this.database.query<ActFacts>(sql`
      WITH people AS MATERIALIZED (
        SELECT u.id, u.disabled_at IS NULL AND u.deletion_at IS NULL AS lasting FROM users u
         WHERE u.id IN (SELECT user_id FROM memberships
                         WHERE organization_id = ${organizationId}
                           AND (role = 'owner' OR user_id::text IN (${by.id}, ${userId})))
         ORDER BY u.id FOR NO KEY UPDATE
      ), locked AS MATERIALIZED (
        SELECT m.user_id, m.role, p.lasting FROM memberships m JOIN people p ON p.id = m.user_id
         WHERE m.organization_id = ${organizationId}
           AND (m.role = 'owner' OR m.user_id::text IN (${by.id}, ${userId}))
         ORDER BY m.user_id FOR UPDATE OF m
      ), actor AS (
        SELECT role FROM locked
         WHERE user_id::text = ${by.id}
           AND (role = ANY (${rolesFor('members:change')}::text[]) OR ${by.id}::text = ${userId})
      ), target AS (
        SELECT user_id, role FROM locked WHERE user_id::text = ${userId}
      ), facts AS (
        SELECT EXISTS (SELECT FROM actor) AS allowed, EXISTS (SELECT FROM target) AS known,
               EXISTS (SELECT FROM actor, target WHERE actor.role = 'owner' OR target.role <> 'owner') AS within,
               EXISTS (SELECT FROM target WHERE role <> 'owner')
                 OR EXISTS (SELECT FROM locked
                             WHERE role = 'owner' AND lasting AND user_id::text <> ${userId}) AS owned
      ), removed AS (
        DELETE FROM memberships m USING facts
         WHERE m.organization_id = ${organizationId} AND m.user_id::text = ${userId}
           AND allowed AND known AND within AND owned
        RETURNING m.user_id, m.organization_id
      ), revoked AS (
        UPDATE authorizations a SET state = 'revoked' FROM removed
         WHERE a.user_id = removed.user_id AND a.organization_id = removed.organization_id AND a.state <> 'revoked'
        RETURNING a.id, a.organization_id
      ), acting_for_none AS (
        UPDATE sessions s SET organization_id = NULL, organization_chosen_at = NULL FROM removed
         WHERE s.user_id = removed.user_id AND s.organization_id = removed.organization_id
      ), forgotten AS (
        DELETE FROM consents c USING removed
         WHERE c.user_id = removed.user_id AND c.organization_id = removed.organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'membership-changed', user_id, organization_id FROM removed
        UNION ALL SELECT 'authorization-revoked', id, organization_id FROM revoked
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id)
        SELECT ${act}, ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null},
               user_id, organization_id FROM removed
      )
      SELECT * FROM facts`);
    const refusal = refusalOf(facts, 'member');
    if (refusal) throw refusal;
  }

  /**
   * Makes a member the owner in the actor's place, who becomes an administrator.
   * @throws PublicError 403 `access_denied`; 404 `unknown_member`, also for somebody who cannot sign in;
   * 409 `own_ownership`
   */
  async transferOwnership({ organizationId, userId }: MemberOf, by: Actor): Promise<void> {
    if (userId === by.id) {
      throw new PublicError(409, 'own_ownership', 'You are the owner already: choose somebody else.');
    }
    const [facts] = await this.database.query<ActFacts>(sql`
      WITH people AS MATERIALIZED (
        SELECT u.id, u.disabled_at IS NULL AND u.deletion_at IS NULL AS lasting FROM users u
         WHERE u.id IN (SELECT user_id FROM memberships
                         WHERE organization_id = ${organizationId} AND user_id::text IN (${by.id}, ${userId}))
         ORDER BY u.id FOR NO KEY UPDATE
      ), locked AS MATERIALIZED (
        SELECT m.user_id, m.role, p.lasting FROM memberships m JOIN people p ON p.id = m.user_id
         WHERE m.organization_id = ${organizationId}
         ORDER BY m.user_id FOR UPDATE OF m
      ), facts AS (
        SELECT EXISTS (SELECT FROM locked
                        WHERE user_id::text = ${by.id}
                          AND role = ANY (${rolesFor('organization:transfer')}::text[])) AS allowed,
               EXISTS (SELECT FROM locked WHERE user_id::text = ${userId} AND lasting) AS known
      ), changed AS (
        UPDATE memberships m
           SET role = CASE WHEN m.user_id::text = ${userId} THEN 'owner' ELSE 'administrator' END,
               custom_role_id = NULL
          FROM facts, locked
         WHERE m.organization_id = ${organizationId} AND m.user_id = locked.user_id AND allowed AND known
        RETURNING m.user_id, m.organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'membership-changed', user_id, organization_id FROM changed
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id)
        SELECT 'organization.transfer', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null},
               user_id, organization_id
          FROM changed WHERE user_id::text = ${userId}
      )
      SELECT * FROM facts`);
    const refusal = refusalOf(facts, 'member');
    if (refusal) throw refusal;
  }
}
