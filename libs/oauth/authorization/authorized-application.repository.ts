import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Clock, Database, sql } from '#platform';

/** An application that a person allowed something for an organization or for none, or that they are signed in to so. */
export interface AuthorizedApplication {
  readonly clientId: string;
  readonly name: string;
  /** It belongs to the suite, which asks for no consent. */
  readonly firstParty: boolean;
  /** Null: their own account alone. */
  readonly organization: { readonly id: string; readonly name: string } | null;
  readonly scopes: readonly string[];
  /** When it was allowed, or the sign-in that gave it access. */
  readonly since: Date;
  /** When it last got a token; null while it has no access and would have to ask again. */
  readonly lastUsedAt: Date | null;
}

const MOST_APPLICATIONS = 200;

/** What a person's applications may do, and the end of it. */
@Injectable()
export class AuthorizedApplicationRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** By name. @param organizationId for which they may do something; null for none of them, undefined for any */
  async of(userId: string, organizationId?: string | null): Promise<AuthorizedApplication[]> {
    const any = organizationId === undefined;
    const now = this.clock.now();
    return this.database.query<AuthorizedApplication>(sql`
      WITH allowed AS (
        SELECT client_id, organization_id, scopes, granted_at AS since, NULL::timestamptz AS last_used_at
          FROM consents WHERE user_id = ${userId}
        UNION ALL
        SELECT a.client_id, a.organization_id, a.scopes, a.auth_time, a.rotated_at
          FROM authorizations a
          JOIN sessions s ON s.id = a.session_id AND (a.offline OR s.ended_at IS NULL AND s.expires_at > ${now})
          JOIN users u ON u.id = a.user_id AND u.password_changed_at <= a.auth_time
          LEFT JOIN memberships m ON m.user_id = a.user_id AND m.organization_id = a.organization_id
         WHERE (a.organization_id IS NULL OR m.user_id IS NOT NULL) AND a.user_id = ${userId} AND a.state = 'active' AND a.expires_at > ${now}
      ), applications AS (
        SELECT client_id, organization_id, array_agg(DISTINCT scope) FILTER (WHERE scope IS NOT NULL) AS scopes,
               min(since) AS since, max(last_used_at) AS last_used_at
          FROM allowed LEFT JOIN LATERAL unnest(scopes) AS scope ON true
         GROUP BY client_id, organization_id
      )
      SELECT c.id AS "clientId", c.name, c.first_party AS "firstParty",
             CASE WHEN o.id IS NOT NULL THEN jsonb_build_object('id', o.id, 'name', o.name) END AS organization,
             coalesce(a.scopes, '{}') AS scopes, a.since, a.last_used_at AS "lastUsedAt"
        FROM applications a
        JOIN clients c ON c.id = a.client_id
        LEFT JOIN organizations o ON o.id = a.organization_id
       WHERE ${any} OR a.organization_id IS NOT DISTINCT FROM ${organizationId ?? null}::uuid
       ORDER BY c.name, c.id, o.name NULLS FIRST, o.id LIMIT ${MOST_APPLICATIONS}`);
  }

  /**
   * Forgets what the person allowed and ends what it led to: the application's tokens die, and it has to ask again.
   * @param organizationId null: for none of them; undefined: for any
   * @returns false when there was nothing to end
   */
  async revoke({ userId, clientId, organizationId }: RevokedApplication, by: Actor): Promise<boolean> {
    const any = organizationId === undefined;
    const within = organizationId ?? null;
    const ended = await this.database.query(sql`
      WITH forgotten AS (
        DELETE FROM consents
         WHERE user_id = ${userId} AND client_id = ${clientId}
           AND (${any} OR organization_id IS NOT DISTINCT FROM ${within}::uuid)
        RETURNING organization_id, scopes
      ), revoked AS (
        UPDATE authorizations SET state = 'revoked'
         WHERE user_id = ${userId} AND client_id = ${clientId}
           AND (${any} OR organization_id IS NOT DISTINCT FROM ${within}::uuid) AND state <> 'revoked'
        RETURNING id, organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'authorization-revoked', id, organization_id FROM revoked
      ), ended AS (
        SELECT organization_id FROM forgotten UNION SELECT organization_id FROM revoked
      )
      INSERT INTO audit_events (act, actor, target, organization_id, address, factor, client_id, detail)
      SELECT 'application.revoke', ${by.id}, ${clientId}, organization_id, ${by.address}, ${by.factor},
             ${by.client ?? null},
             jsonb_build_object(
               'scopes', (SELECT scopes FROM forgotten f WHERE f.organization_id IS NOT DISTINCT FROM ended.organization_id),
               'authorizations', (SELECT count(*) FROM revoked r WHERE r.organization_id IS NOT DISTINCT FROM ended.organization_id))
        FROM ended
      RETURNING id`);
    return ended.length > 0;
  }
}

export interface RevokedApplication {
  readonly userId: string;
  readonly clientId: string;
  readonly organizationId: string | null | undefined;
}
