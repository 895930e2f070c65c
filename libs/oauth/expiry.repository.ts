import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, sql } from '#platform';

const A_DAY = 86_400;

/** Removes what can never count again: each call one small batch of each kind. */
@Injectable()
export class ExpiryRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @param limit rows of each kind */
  async prune(limit: number): Promise<void> {
    const now = this.clock.now();
    const yesterday = addSeconds(now, -A_DAY);
    // a day is kept, so that the reuse of a code or refresh token that has just expired is still recognized
    await this.database.query(sql`
      DELETE FROM authorizations
       WHERE id IN (SELECT id FROM authorizations WHERE expires_at < ${yesterday} ORDER BY expires_at LIMIT ${limit})`);
    await this.database.query(sql`
      DELETE FROM authorizations
       WHERE id IN (SELECT id FROM authorizations
                     WHERE state = 'code' AND code_expires_at < ${yesterday} LIMIT ${limit})`);
    // a session stays while an authorization lives by it: only its end, not its time-out, ends that one
    await this.database.query(sql`
      DELETE FROM sessions
       WHERE id IN (SELECT s.id FROM sessions s
                     WHERE (s.expires_at < ${yesterday} OR s.ended_at < ${yesterday})
                       AND NOT EXISTS (SELECT FROM authorizations a
                                        WHERE a.session_id = s.id AND a.state <> 'revoked' AND s.ended_at IS NULL)
                     ORDER BY s.expires_at LIMIT ${limit})`);
    await this.database.query(sql`
      DELETE FROM revoked_tokens
       WHERE jti IN (SELECT jti FROM revoked_tokens WHERE expires_at < ${now} ORDER BY expires_at LIMIT ${limit})`);
    await this.database.query(sql`
      DELETE FROM logout_deliveries
       WHERE id IN (SELECT id FROM logout_deliveries
                     WHERE coalesce(delivered_at, failed_at) < ${yesterday} LIMIT ${limit})`);
  }
}
