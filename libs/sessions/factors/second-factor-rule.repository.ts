import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Database, sql } from '#platform';

/** Organizations that ask their members for a second factor. */
@Injectable()
export class SecondFactorRuleRepository {
  constructor(private readonly database: Database) {}

  /**
   * Makes the rule, or lifts it. With the rule, what members authorized without a second factor ends; they are asked for
   * one as soon as they act for the organization again.
   * @returns whether this call changed anything
   */
  async set(organizationId: string, required: boolean, by: Actor): Promise<boolean> {
    const changed = await this.database.query(sql`
      WITH changed AS (
        UPDATE organizations SET second_factor_required = ${required}
         WHERE id = ${organizationId} AND second_factor_required <> ${required}
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
      )
      INSERT INTO audit_events (act, actor, target, organization_id, address, factor)
      SELECT ${required ? 'organization.require-second-factor' : 'organization.waive-second-factor'}, ${by.id}, id,
             id, ${by.address}, ${by.factor}
        FROM changed
      RETURNING id`);
    return changed.length > 0;
  }
}
