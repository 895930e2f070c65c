import { Injectable } from '@nestjs/common';
import { Clock, Database, sql } from '#platform';

/** Authorizations that an organization's own limit of sessions ends. */
@Injectable()
export class AuthorizationExpiryRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Ends what a session gave for an organization whose absolute limit has passed while the session goes on for another
   * one, and tells everyone. Of several nodes each takes others.
   * @returns how many
   */
  async expire(limit: number): Promise<number> {
    const now = this.clock.now();
    const ended = await this.database.query(sql`
      WITH overdue AS (
        SELECT a.id
          FROM sessions s
          JOIN authorizations a ON a.session_id = s.id
          JOIN organizations o ON o.id = a.organization_id
         -- such sessions are few, and most organizations have no limit: the index sessions_moved has them
         WHERE s.ended_at IS NULL AND (s.organization_chosen_at IS NOT NULL OR s.organization_id IS NULL)
           AND s.auth_time <= ${now}::timestamptz - make_interval(secs => (
                 SELECT min(session_absolute_seconds) FROM organizations WHERE session_absolute_seconds IS NOT NULL))
           AND s.auth_time <= ${now}::timestamptz - make_interval(secs => o.session_absolute_seconds)
           -- a session that acts for this organization ends itself
           AND s.organization_id IS DISTINCT FROM a.organization_id
           AND a.state = 'active' AND NOT a.offline AND a.expires_at > ${now}
         LIMIT ${limit} FOR UPDATE OF a SKIP LOCKED
      ), revoked AS (
        UPDATE authorizations SET state = 'revoked' WHERE id IN (SELECT id FROM overdue)
        RETURNING id, organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'authorization-revoked', id, organization_id FROM revoked
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'authorization.expire', 'system', id, organization_id FROM revoked
      RETURNING id`);
    return ended.length;
  }
}
