import { Injectable } from '@nestjs/common';
import { BrowserSealer, type SignInOrigin } from '#accounts';
import type { Actor } from '#observability';
import { Clock, Database, sql } from '#platform';
import { MOST_SESSIONS } from './session.js';

/** One of a person's own sessions, as they are shown it. */
export interface OwnSession {
  readonly id: string;
  /** Undefined when it is not known. */
  readonly origin: SignInOrigin | undefined;
  readonly signedInAt: Date;
  /** To the minute. */
  readonly lastUsedAt: Date;
  /** That it acts for. */
  readonly organizationId: string | null;
  readonly organizationName: string | null;
}

/** A person's sessions, which nobody else sees or ends by it. */
@Injectable()
export class OwnSessionsRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly browsers: BrowserSealer,
  ) {}

  /** Those that have not ended, the last used first; one that is idle goes on when the person signs in again. */
  async of(userId: string): Promise<OwnSession[]> {
    const rows = await this.database.query<
      Omit<OwnSession, 'origin'> & { browser_envelope: string | null }
    >(sql`
      SELECT s.id, s.browser_envelope, s.auth_time AS "signedInAt",
             s.last_seen_at AS "lastUsedAt", o.id AS "organizationId", o.name AS "organizationName"
        FROM sessions s
        LEFT JOIN memberships m ON m.user_id = s.user_id AND m.organization_id = s.organization_id
        LEFT JOIN organizations o ON o.id = m.organization_id
       WHERE s.user_id = ${userId} AND s.ended_at IS NULL
         AND least(s.expires_at, s.auth_time + make_interval(secs => o.session_absolute_seconds)) > ${this.clock.now()}
       ORDER BY s.last_seen_at DESC, s.id LIMIT ${MOST_SESSIONS}`);
    return rows.map(({ browser_envelope: envelope, ...session }) => ({
      ...session,
      origin: this.browsers.open(userId, envelope),
    }));
  }

  /** Whether the person is signed in anywhere else than in this session. */
  async areOthers(userId: string, sessionId: string): Promise<boolean> {
    return (await this.of(userId)).some(({ id }) => id !== sessionId);
  }

  /**
   * Ends one as signing out does: its authorizations live no longer than it does, and everyone is told.
   * @returns false when the person has no such session, or it has ended
   */
  async end(userId: string, id: string, by: Actor): Promise<boolean> {
    const ended = await this.database.query(sql`
      WITH ended AS (
        UPDATE sessions SET ended_at = ${this.clock.now()}
         WHERE id = ${id} AND user_id = ${userId} AND ended_at IS NULL
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'session-ended', id FROM ended
      )
      INSERT INTO audit_events (act, actor, target, address, factor, client_id)
      SELECT 'session.end', ${by.id}, id, ${by.address}, ${by.factor}, ${by.client ?? null} FROM ended
      RETURNING id`);
    return ended.length > 0;
  }

  /**
   * Ends all but one.
   * @param kept undefined: none is kept
   * @returns how many ended
   */
  async endOthers(userId: string, kept: string | undefined, by: Actor): Promise<number> {
    const ended = await this.database.query(sql`
      WITH ended AS (
        UPDATE sessions SET ended_at = ${this.clock.now()}
         WHERE user_id = ${userId} AND id IS DISTINCT FROM ${kept ?? null}::uuid AND ended_at IS NULL
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'session-ended', id FROM ended
      )
      INSERT INTO audit_events (act, actor, target, address, factor, client_id)
      SELECT 'session.end', ${by.id}, id, ${by.address}, ${by.factor}, ${by.client ?? null} FROM ended
      RETURNING id`);
    return ended.length;
  }
}
