import { Injectable } from '@nestjs/common';
import { Clock, Database, sql } from '#platform';

/** Passwords as what everything that was signed in with them hangs on. */
@Injectable()
export class PasswordRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * A new password, chosen by its owner or an administrator. Whatever the old one led to ends: every session, and every
   * authorization, those with offline access included.
   * @returns false for an unknown account
   */
  async change(userId: string, passwordHash: string, actor: string): Promise<boolean> {
    const now = this.clock.now();
    const changed = await this.database.query(sql`
      WITH changed AS (
        UPDATE users SET password_hash = ${passwordHash}, password_changed_at = ${now} WHERE id = ${userId}
        RETURNING id
      ), ended AS (
        UPDATE sessions s SET ended_at = ${now} FROM changed
         WHERE s.user_id = changed.id AND s.ended_at IS NULL
        RETURNING s.id
      ), told AS (
        INSERT INTO outbox (kind, subject)
        SELECT 'session-ended', id FROM ended UNION ALL SELECT 'credential-changed', id FROM changed
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'user.change-password', ${actor}::text, id FROM changed
      RETURNING id`);
    return changed.length > 0;
  }
}
