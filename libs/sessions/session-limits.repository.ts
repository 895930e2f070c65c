import { Injectable } from '@nestjs/common';
import { notAllowed, rolesFor } from '#accounts';
import type { Actor } from '#observability';
import { Configuration, Database, PublicError, sql } from '#platform';
import { sessionLimitsProblem, type SessionLimits } from './session-limits.js';

/** How long sessions that act for an organization last, where it is stricter than the deployment. */
@Injectable()
export class SessionLimitsRepository {
  constructor(
    private readonly database: Database,
    private readonly configuration: Configuration,
  ) {}

  /** @returns undefined for an unknown organization */
  async of(organizationId: string): Promise<SessionLimits | undefined> {
    const [row] = await this.database.query<SessionLimits>(sql`
      SELECT session_idle_seconds AS "idleSeconds", session_absolute_seconds AS "absoluteSeconds"
        FROM organizations WHERE id = ${organizationId}`);
    return row;
  }

  /**
   * Holds for the sessions that there are, from their next request on. What a process does, whose name is no user id,
   * depends on nobody.
   * @returns whether this call changed anything
   * @throws PublicError 400 `invalid_session_limits`; 403 `access_denied`
   */
  async set(organizationId: string, limits: SessionLimits, by: Actor): Promise<boolean> {
    const problem = sessionLimitsProblem(limits, this.configuration);
    if (problem !== undefined) throw new PublicError(400, 'invalid_session_limits', problem);
    const { idleSeconds, absoluteSeconds } = limits;
    const [facts] = await this.database.query<{ allowed: boolean; changed: boolean }>(sql`
      WITH actor AS (
        SELECT FROM memberships
         WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
           AND role = ANY (${rolesFor('organization:secure')}::text[]) FOR SHARE
      ), facts AS (
        SELECT ${by.id} !~ '^[0-9a-f]{8}-' OR EXISTS (SELECT FROM actor) AS allowed
      ), changed AS (
        UPDATE organizations SET session_idle_seconds = ${idleSeconds}, session_absolute_seconds = ${absoluteSeconds}
          FROM facts
         WHERE id = ${organizationId} AND allowed
           AND (session_idle_seconds, session_absolute_seconds)
               IS DISTINCT FROM (${idleSeconds}::integer, ${absoluteSeconds}::integer)
        RETURNING id, session_idle_seconds, session_absolute_seconds
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id) SELECT 'organization-changed', id, id FROM changed
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id, address, factor, client_id, detail)
        SELECT 'organization.limit-sessions', ${by.id}, id, id, ${by.address}, ${by.factor}, ${by.client ?? null},
               jsonb_build_object('idle_seconds', session_idle_seconds, 'absolute_seconds', session_absolute_seconds)
          FROM changed
      )
      SELECT allowed, EXISTS (SELECT FROM changed) AS changed FROM facts`);
    if (!facts?.allowed) throw notAllowed();
    return facts.changed;
  }
}
