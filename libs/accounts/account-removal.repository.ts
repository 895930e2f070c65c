import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, sql } from '#platform';

/** Of one sweep. */
const MOST_PEOPLE = 20;
/** In which everybody who has to do something about it, such as to free a seat, has heard of it. */
const HEARD_AFTER = 3600;

/**
 * Removes accounts whose grace is over, with everything that hangs on them, a bounded part at each sweep. The audit
 * stays. Who is by now the only owner of an organization that can sign in stays too, until it has another.
 */
@Injectable()
export class AccountRemovalRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @param limit rows of one statement */
  async sweep(limit: number): Promise<void> {
    await this.begin();
    await this.database.query(sql`
      WITH removed AS (
        DELETE FROM authorizations
         WHERE id IN (SELECT a.id FROM authorizations a JOIN users u ON u.id = a.user_id
                       WHERE u.removal_started_at IS NOT NULL LIMIT ${limit})
        RETURNING id, organization_id, state
      )
      INSERT INTO outbox (kind, subject, organization_id)
      SELECT 'authorization-revoked', id, organization_id FROM removed WHERE state <> 'revoked'`);
    await this.database.query(sql`
      UPDATE usage_events SET user_id = NULL
       WHERE (organization_id, module_key, idempotency_key) IN (
         SELECT e.organization_id, e.module_key, e.idempotency_key FROM usage_events e
           JOIN users u ON u.id = e.user_id
          WHERE u.removal_started_at IS NOT NULL LIMIT ${limit})`);
    await this.end();
  }

  /** From here there is no way back: the account is closed, its sessions end, and it belongs nowhere. */
  private async begin(): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      WITH due AS MATERIALIZED (
        SELECT id FROM users d
         WHERE deletion_at <= ${now} AND removal_started_at IS NULL
           AND NOT EXISTS (SELECT FROM memberships own
                            WHERE own.user_id = d.id AND own.role = 'owner'
                              AND NOT EXISTS (SELECT FROM memberships other JOIN users u ON u.id = other.user_id
                                               WHERE other.organization_id = own.organization_id
                                                 AND other.role = 'owner' AND other.user_id <> own.user_id
                                                 AND u.disabled_at IS NULL AND u.deletion_at IS NULL))
         ORDER BY deletion_at LIMIT ${MOST_PEOPLE} FOR NO KEY UPDATE SKIP LOCKED
      ), locked AS MATERIALIZED (
        SELECT m.organization_id, m.user_id FROM memberships m
         WHERE m.role = 'owner'
           AND m.organization_id IN (SELECT own.organization_id FROM memberships own JOIN due ON due.id = own.user_id
                                      WHERE own.role = 'owner')
         ORDER BY m.organization_id, m.user_id FOR UPDATE
      ), removable AS (
        -- of two owners who are due at once, neither counts for the other; nor does one who cannot sign in
        SELECT id FROM due
         WHERE NOT EXISTS (SELECT FROM locked own
                            WHERE own.user_id = due.id
                              AND NOT EXISTS (SELECT FROM locked other JOIN users u ON u.id = other.user_id
                                               WHERE other.organization_id = own.organization_id
                                                 AND u.disabled_at IS NULL AND u.deletion_at IS NULL))
      ), closed AS (
        UPDATE users u SET removal_started_at = ${now}, disabled_at = coalesce(disabled_at, ${now})
          FROM removable WHERE u.id = removable.id
        RETURNING u.id
      ), ended AS (
        UPDATE sessions s SET ended_at = ${now} FROM closed WHERE s.user_id = closed.id AND s.ended_at IS NULL
        RETURNING s.id
      ), left_behind AS (
        DELETE FROM memberships m USING closed WHERE m.user_id = closed.id
        RETURNING m.user_id, m.organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'user-disabled', id, NULL::uuid FROM closed
        UNION ALL SELECT 'session-ended', id, NULL::uuid FROM ended
        UNION ALL SELECT 'membership-changed', user_id, organization_id FROM left_behind
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'user.begin-removal', 'system', id, NULL::uuid FROM closed
      UNION ALL SELECT 'membership.remove', 'system', user_id, organization_id FROM left_behind`);
  }

  private async end(): Promise<void> {
    const before = addSeconds(this.clock.now(), -HEARD_AFTER);
    await this.database.query(sql`
      WITH bare AS (
        SELECT u.id FROM users u
         WHERE u.removal_started_at <= ${before}
           AND NOT EXISTS (SELECT FROM authorizations a WHERE a.user_id = u.id)
           AND NOT EXISTS (SELECT FROM usage_events e WHERE e.user_id = u.id)
         LIMIT ${MOST_PEOPLE} FOR UPDATE SKIP LOCKED
      ), removed AS (
        DELETE FROM users u USING bare WHERE u.id = bare.id RETURNING u.id
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'user.remove', 'system', id FROM removed`);
  }
}
