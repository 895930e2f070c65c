import { Injectable } from '@nestjs/common';
import { BrowserSealer, type SignInOrigin } from '#accounts';
import type { Actor } from '#observability';
import { addSeconds, Clock, Configuration, Database, randomSecret, randomUUID, sha256, sql } from '#platform';
import { deviceSubject } from './lockout.js';
import { MOST_SESSIONS, sessionOf, type Session, type SessionRow } from './session.js';

export interface NewSession extends SignInOrigin {
  readonly userId: string;
  readonly amr: readonly string[];
  /** When the person was asked; now unless told. A session does not outlive a password that was changed after that. */
  readonly authTime?: Date;
  /** The secret of the cookie that the browser had until now, if any. */
  readonly currentSecret?: string | undefined;
}

export type Choice =
  /** `secret`: for the cookie */
  | { readonly kind: 'chosen'; readonly secret: string }
  /** The secret has been replaced meanwhile, in another tab, or the session has ended. */
  | { readonly kind: 'renewed-elsewhere' }
  | { readonly kind: 'not-a-member' };

@Injectable()
export class SessionRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
    private readonly browsers: BrowserSealer,
  ) {}

  /**
   * Starts a session; who belongs to one organization alone acts for it from the start. The session that the browser
   * had before goes on under a new secret when it is the same person's, so that signing out still ends all that it
   * led to; somebody else's ends. Of too many sessions of a person the one that was longest unused makes room.
   * @returns the secret for the cookie; the database holds its digest
   */
  async start(session: NewSession): Promise<string> {
    return (await this.startAt(session, undefined)).secret;
  }

  /**
   * As `start`, at a device that the account is known at: in the same statement it is seen again, and the failures that
   * were counted for it are forgotten.
   * @returns whether it was known still; one that nobody has signed in from yet is not
   */
  async startAtKnownDevice(
    session: NewSession,
    deviceId: string,
  ): Promise<{ readonly secret: string; readonly known: boolean }> {
    return this.startAt(session, deviceId);
  }

  private async startAt(
    { userId, amr, authTime, userAgent, address, currentSecret }: NewSession,
    deviceId: string | undefined,
  ) {
    const now = this.clock.now();
    const asked = authTime ?? now;
    const secret = randomSecret();
    const digest = sha256(secret);
    const before = currentSecret === undefined ? null : sha256(currentSecret);
    const expiresAt = addSeconds(now, this.configuration.sessionAbsoluteSeconds);
    const browser = this.browsers.seal(userId, { userAgent: userAgent.slice(0, 256), address });
    const device = deviceId ?? null;
    const failures = deviceId === undefined ? null : deviceSubject(deviceId);
    const [started] = await this.database.query<{ known: boolean }>(sql`
      WITH person AS (
        -- the person first, then sessions, then devices, as whoever removes the one or changes a password does
        SELECT id FROM users WHERE id = ${userId} FOR KEY SHARE
      ), renewed AS (
        UPDATE sessions s
           SET secret_sha256 = ${digest}, amr = ${amr}, auth_time = ${asked}, last_seen_at = ${now},
               expires_at = ${expiresAt}, browser_envelope = ${browser}
          FROM person
         WHERE s.secret_sha256 = ${before} AND s.user_id = person.id AND s.ended_at IS NULL
        RETURNING s.id, s.user_id
      ), ended AS (
        UPDATE sessions SET ended_at = ${now}
         WHERE secret_sha256 = ${before} AND user_id <> ${userId} AND ended_at IS NULL
        RETURNING id, user_id
      ), surplus AS (
        -- whoever ends some of them at this moment makes room as well
        SELECT id FROM sessions
         WHERE id IN (SELECT id FROM sessions WHERE user_id = ${userId} AND ended_at IS NULL
                       ORDER BY last_seen_at DESC, id OFFSET ${MOST_SESSIONS - 1})
           AND NOT EXISTS (SELECT FROM renewed)
           FOR NO KEY UPDATE SKIP LOCKED
      ), made_room AS (
        UPDATE sessions s SET ended_at = ${now} FROM surplus WHERE s.id = surplus.id AND s.ended_at IS NULL
        RETURNING s.id, s.user_id
      ), told AS (
        INSERT INTO outbox (kind, subject)
        SELECT 'session-ended', id FROM ended UNION ALL SELECT 'session-ended', id FROM made_room
      ), started AS (
        INSERT INTO sessions (id, secret_sha256, user_id, organization_id, amr, auth_time, last_seen_at, expires_at,
                              browser_envelope)
        SELECT ${randomUUID()}, ${digest}, person.id,
               (SELECT min(organization_id::text)::uuid FROM memberships WHERE user_id = ${userId}
                HAVING count(*) = 1),
               ${amr}, ${asked}, ${now}, ${expiresAt}, ${browser}
          FROM person WHERE NOT EXISTS (SELECT FROM renewed)
        RETURNING id, user_id
      ), done AS (
        SELECT 'session.start' AS act, * FROM started
        UNION ALL SELECT 'session.renew', * FROM renewed
        UNION ALL SELECT 'session.end', * FROM ended
        UNION ALL SELECT 'session.end', * FROM made_room
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, address, factor)
        SELECT act, user_id, id, ${address}, ${amr.join(' ')} FROM done
      ), seen AS (
        UPDATE known_devices SET last_seen_at = ${now}
         WHERE id = ${device} AND last_seen_at IS NOT NULL AND (SELECT count(*) FROM done) > 0
        RETURNING id
      ), forgiven AS (
        DELETE FROM sign_in_failures WHERE subject = ${failures}
      )
      SELECT EXISTS (SELECT FROM seen) AS known FROM done WHERE act <> 'session.end'`);
    if (!started) throw new Error('PostgreSQL started no session');
    return { secret, known: started.known };
  }

  /**
   * The person has proven more in this session, which goes on under a new secret; when it began, and when it ends, stays.
   * @param secret of the cookie, which ends
   * @returns the new secret; undefined when the session has ended, or goes on under another secret
   */
  async prove(
    session: Session,
    secret: string,
    amr: readonly string[],
    by: Actor,
  ): Promise<string | undefined> {
    const renewed = randomSecret();
    const proven = await this.database.query(sql`
      WITH proven AS (
        UPDATE sessions SET secret_sha256 = ${sha256(renewed)}, amr = ${amr}, last_seen_at = ${this.clock.now()}
         WHERE id = ${session.id} AND secret_sha256 = ${sha256(secret)} AND ended_at IS NULL
        RETURNING id
      )
      INSERT INTO audit_events (act, actor, target, address, factor)
      SELECT 'session.renew', ${by.id}, id, ${by.address}, ${amr.join(' ')} FROM proven
      RETURNING id`);
    return proven.length > 0 ? renewed : undefined;
  }

  /** The live session of a cookie's secret, or undefined; without a cookie there is none. */
  async find(secret: string | undefined): Promise<Session | undefined> {
    if (secret === undefined) return undefined;
    const now = this.clock.now();
    const [row] = await this.database.query<SessionRow>(sql`
      SELECT s.id, s.user_id, u.name AS user_name, u.email, s.auth_time, s.amr, s.organization_chosen_at,
             o.id AS organization_id, o.key AS organization_key, o.name AS organization_name, m.role, o.license_version,
             o.second_factor_required, s.second_factor_declined_at,
             (SELECT jsonb_build_object('key', r.key, 'name', r.name, 'permissions', r.permissions)
                FROM organization_roles r WHERE r.id = m.custom_role_id) AS custom_role
        FROM sessions s
        JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL AND u.password_changed_at <= s.auth_time
        LEFT JOIN memberships m ON m.user_id = s.user_id AND m.organization_id = s.organization_id
        LEFT JOIN organizations o ON o.id = m.organization_id
       WHERE s.secret_sha256 = ${sha256(secret)}
         AND s.ended_at IS NULL
         AND least(s.expires_at, s.auth_time + make_interval(secs => o.session_absolute_seconds)) > ${now}
         AND s.last_seen_at > greatest(${this.idleSince(now)},
                                       ${now}::timestamptz - make_interval(secs => o.session_idle_seconds))`);
    return row && sessionOf(row);
  }

  /** Notes that the session is in use, at most once a minute. */
  async touch(id: string): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      UPDATE sessions SET last_seen_at = ${now}
       WHERE id = ${id} AND ended_at IS NULL AND last_seen_at < ${addSeconds(now, -60)}`);
  }

  /**
   * From now on the person acts for this organization, in the same session under a new secret: what knew the old one
   * gains nothing by the choice.
   * @param secret of the cookie, which ends
   */
  async chooseOrganization(session: Session, secret: string, organizationId: string): Promise<Choice> {
    const now = this.clock.now();
    const renewed = randomSecret();
    const [outcome] = await this.database.query<{ member: boolean; chosen: boolean }>(sql`
      WITH member AS (
        SELECT organization_id FROM memberships
         WHERE user_id = ${session.userId} AND organization_id = ${organizationId}
      ), chosen AS (
        UPDATE sessions s
           SET organization_id = member.organization_id, organization_chosen_at = ${now}, last_seen_at = ${now},
               secret_sha256 = ${sha256(renewed)}
          FROM member
         WHERE s.id = ${session.id} AND s.secret_sha256 = ${sha256(secret)} AND s.ended_at IS NULL
        RETURNING s.id, s.user_id, s.organization_id
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id)
        SELECT 'session.choose-organization', user_id, id, organization_id FROM chosen
      )
      SELECT EXISTS (SELECT FROM member) AS member, EXISTS (SELECT FROM chosen) AS chosen`);
    if (outcome?.chosen) return { kind: 'chosen', secret: renewed };
    return { kind: outcome?.member ? 'renewed-elsewhere' : 'not-a-member' };
  }

  /** The person goes on without the second factor that an application has wished for; nobody asks again meanwhile. */
  async declineSecondFactor({ id, userId }: Session): Promise<void> {
    await this.database.query(sql`
      WITH declined AS (
        UPDATE sessions SET second_factor_declined_at = ${this.clock.now()}
         WHERE id = ${id} AND ended_at IS NULL AND second_factor_declined_at IS NULL
        RETURNING id
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'session.decline-second-factor', ${userId}, id FROM declined`);
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
   * Ends sessions whose absolute time has passed, by the deployment's limit or by that of the organization that they
   * act for, and tells everyone. Of several nodes each takes others.
   * @param limit of each kind
   * @returns how many
   */
  async expire(limit: number): Promise<number> {
    const now = this.clock.now();
    const ended = await this.database.query(sql`
      WITH overdue AS (
        SELECT id FROM sessions WHERE ended_at IS NULL AND expires_at <= ${now}
         ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
      ), overdue_for_organization AS (
        SELECT s.id FROM organizations o JOIN sessions s ON s.organization_id = o.id
         WHERE o.session_absolute_seconds IS NOT NULL AND s.ended_at IS NULL
           AND s.auth_time <= ${now}::timestamptz - make_interval(secs => o.session_absolute_seconds)
         LIMIT ${limit} FOR UPDATE OF s SKIP LOCKED
      ), ended AS (
        UPDATE sessions SET ended_at = ${now}
         WHERE id IN (SELECT id FROM overdue UNION SELECT id FROM overdue_for_organization)
        RETURNING id
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
