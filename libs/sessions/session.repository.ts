import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Configuration, Database, randomSecret, randomUUID, sha256, sql } from '#platform';
import { sessionOf, type Session, type SessionRow } from './session.js';

export interface NewSession {
  readonly userId: string;
  readonly amr: readonly string[];
  readonly userAgent: string;
  readonly address: string;
  /** The secret of the cookie that the browser had until now, if any. */
  readonly currentSecret?: string | undefined;
}

@Injectable()
export class SessionRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Starts a session; who belongs to one organization alone acts for it from the start. The session that the browser
   * had before goes on under a new secret when it is the same person's, so that signing out still ends all that it
   * led to; somebody else's ends.
   * @returns the secret for the cookie; the database holds its digest
   */
  async start({ userId, amr, userAgent, address, currentSecret }: NewSession): Promise<string> {
    const now = this.clock.now();
    const secret = randomSecret();
    const digest = sha256(secret);
    const before = currentSecret === undefined ? null : sha256(currentSecret);
    const expiresAt = addSeconds(now, this.configuration.sessionAbsoluteSeconds);
    const agent = userAgent.slice(0, 256);
    const started = await this.database.query(sql`
      WITH renewed AS (
        UPDATE sessions
           SET secret_sha256 = ${digest}, amr = ${amr}, auth_time = ${now}, last_seen_at = ${now},
               expires_at = ${expiresAt}, user_agent = ${agent}, address = ${address}
         WHERE secret_sha256 = ${before} AND user_id = ${userId} AND ended_at IS NULL
        RETURNING id, user_id
      ), ended AS (
        UPDATE sessions SET ended_at = ${now}
         WHERE secret_sha256 = ${before} AND user_id <> ${userId} AND ended_at IS NULL
        RETURNING id, user_id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'session-ended', id FROM ended
      ), started AS (
        INSERT INTO sessions (id, secret_sha256, user_id, organization_id, amr, auth_time, last_seen_at, expires_at,
                              user_agent, address)
        SELECT ${randomUUID()}, ${digest}, ${userId},
               (SELECT min(organization_id::text)::uuid FROM memberships WHERE user_id = ${userId}
                HAVING count(*) = 1),
               ${amr}, ${now}, ${now}, ${expiresAt}, ${agent}, ${address}
         WHERE NOT EXISTS (SELECT FROM renewed)
        RETURNING id, user_id
      ), done AS (
        SELECT 'session.start' AS act, * FROM started
        UNION ALL SELECT 'session.renew', * FROM renewed
        UNION ALL SELECT 'session.end', * FROM ended
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, address) SELECT act, user_id, id, ${address} FROM done
      )
      SELECT id FROM done WHERE act <> 'session.end'`);
    if (started.length === 0) throw new Error('PostgreSQL started no session');
    return secret;
  }

  /** The live session of a cookie's secret, or undefined; without a cookie there is none. */
  async find(secret: string | undefined): Promise<Session | undefined> {
    if (secret === undefined) return undefined;
    const now = this.clock.now();
    const [row] = await this.database.query<SessionRow>(sql`
      SELECT s.id, s.user_id, u.name AS user_name, u.email, s.auth_time, s.amr, s.organization_chosen_at,
             o.id AS organization_id, o.key AS organization_key, o.name AS organization_name, m.role, o.license_version
        FROM sessions s
        JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL
        LEFT JOIN memberships m ON m.user_id = s.user_id AND m.organization_id = s.organization_id
        LEFT JOIN organizations o ON o.id = m.organization_id
       WHERE s.secret_sha256 = ${sha256(secret)}
         AND s.ended_at IS NULL
         AND s.expires_at > ${now}
         AND s.last_seen_at > ${this.idleSince(now)}`);
    return row && sessionOf(row);
  }

  /** Notes that the session is in use, at most once a minute. */
  async touch(id: string): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      UPDATE sessions SET last_seen_at = ${now}
       WHERE id = ${id} AND ended_at IS NULL AND last_seen_at < ${addSeconds(now, -60)}`);
  }

  /** @returns false when the person does not belong to the organization, or the session has ended */
  async chooseOrganization(session: Session, organizationId: string): Promise<boolean> {
    const now = this.clock.now();
    const chosen = await this.database.query(sql`
      WITH chosen AS (
        UPDATE sessions s
           SET organization_id = m.organization_id, organization_chosen_at = ${now}, last_seen_at = ${now}
          FROM memberships m
         WHERE s.id = ${session.id} AND s.ended_at IS NULL
           AND m.user_id = s.user_id AND m.organization_id = ${organizationId}
        RETURNING s.id, s.user_id, s.organization_id
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'session.choose-organization', user_id, id, organization_id FROM chosen
      RETURNING id`);
    return chosen.length > 0;
  }

  /** Ends the session and tells everyone; its authorizations live no longer than it does. */
  async end(id: string, actor: string): Promise<void> {
    await this.database.query(sql`
      WITH ended AS (
        UPDATE sessions SET ended_at = ${this.clock.now()}
         WHERE id = ${id} AND ended_at IS NULL
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'session-ended', id FROM ended
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'session.end', ${actor}::text, id FROM ended`);
  }

  /**
   * Ends up to `limit` sessions whose absolute time has passed, and tells everyone. Of several nodes each takes others.
   * @returns how many
   */
  async expire(limit: number): Promise<number> {
    const now = this.clock.now();
    const ended = await this.database.query(sql`
      WITH overdue AS (
        SELECT id FROM sessions WHERE ended_at IS NULL AND expires_at <= ${now}
         ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
      ), ended AS (
        UPDATE sessions s SET ended_at = ${now} FROM overdue WHERE s.id = overdue.id
        RETURNING s.id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'session-ended', id FROM ended
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'session.expire', 'system', id FROM ended
      RETURNING id`);
    return ended.length;
  }

  /** Before this instant of last use a session has been idle for too long. */
  idleSince(now: Date): Date {
    return addSeconds(now, -this.configuration.sessionIdleSeconds);
  }
}
