import { Injectable } from '@nestjs/common';
import { notAllowed, rolesFor } from '#accounts';
import type { Actor } from '#observability';
import { Database, PublicError, sql } from '#platform';

/** Whether an organization asks for a second factor, and whom that reaches. */
export interface SecondFactorRule {
  readonly required: boolean;
  /** Its members who can sign in. */
  readonly people: number;
  /** How many of these have no second factor. */
  readonly without: number;
}

/** Organizations that ask their members for a second factor. */
@Injectable()
export class SecondFactorRuleRepository {
  constructor(private readonly database: Database) {}

  /** @returns undefined for an unknown organization */
  async of(organizationId: string): Promise<SecondFactorRule | undefined> {
    const [row] = await this.database.query<SecondFactorRule>(sql`
      SELECT o.second_factor_required AS required, count(u.id)::int AS people,
             (count(u.id) FILTER (WHERE u.second_factors = 0))::int AS without
        FROM organizations o
        LEFT JOIN memberships m ON m.organization_id = o.id
        LEFT JOIN users u ON u.id = m.user_id AND u.disabled_at IS NULL
       WHERE o.id = ${organizationId} GROUP BY o.id`);
    return row;
  }

  /**
   * Makes the rule, or lifts it. With the rule, what members authorized without a second factor ends; they are asked for
   * one as soon as they act for the organization again. Who makes it has one, so that it reaches them first; what a
   * process does, whose name is no user id, depends on nobody.
   * @returns whether this call changed anything
   * @throws PublicError 403 `access_denied`; 409 `second_factor_first`
   */
  async set(organizationId: string, required: boolean, by: Actor): Promise<boolean> {
    const [facts] = await this.database.query<{ allowed: boolean; able: boolean; changed: boolean }>(sql`
      WITH actor AS (
        SELECT u.second_factors FROM memberships m JOIN users u ON u.id = m.user_id
         WHERE m.organization_id = ${organizationId} AND m.user_id::text = ${by.id}
           AND m.role = ANY (${rolesFor('organization:secure')}::text[]) FOR SHARE OF m
      ), facts AS (
        SELECT ${by.id} !~ '^[0-9a-f]{8}-' OR EXISTS (SELECT FROM actor) AS allowed,
               ${by.id} !~ '^[0-9a-f]{8}-' OR NOT ${required}
                 OR EXISTS (SELECT FROM actor WHERE second_factors > 0) AS able
      ), changed AS (
        UPDATE organizations SET second_factor_required = ${required} FROM facts
         WHERE id = ${organizationId} AND second_factor_required <> ${required} AND allowed AND able
        RETURNING id
      ), revoked AS (
        UPDATE authorizations a SET state = 'revoked' FROM changed, sessions s
         WHERE ${required} AND a.organization_id = changed.id AND a.state <> 'revoked'
           AND s.id = a.session_id AND NOT 'mfa' = ANY (s.amr)
        RETURNING a.id, a.organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'organization-changed', id::text, id FROM changed
        UNION ALL SELECT 'authorization-revoked', id::text, organization_id FROM revoked
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id, address, factor, client_id)
        SELECT ${required ? 'organization.require-second-factor' : 'organization.waive-second-factor'}, ${by.id}, id,
               id, ${by.address}, ${by.factor}, ${by.client ?? null}
          FROM changed
      )
      SELECT *, EXISTS (SELECT FROM changed) AS changed FROM facts`);
    if (!facts?.allowed) throw notAllowed();
    if (!facts.able) {
      throw new PublicError(
        409,
        'second_factor_first',
        'Add a passkey or an authenticator app to your own account first: the rule holds for you too.',
      );
    }
    return facts.changed;
  }
}
