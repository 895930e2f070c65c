import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, sql, type Statement } from '#platform';

const A_DAY = 86_400;
/** For so long a device that is late is told that its code has expired, and not that there is none. */
const AN_HOUR = 3600;
/** Of one kind and call: a flood is caught up with, and one call still ends. */
const MOST_BATCHES = 100;

/** Removes what can never count again, in small batches. */
@Injectable()
export class ExpiryRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @param limit rows of one statement */
  async prune(limit: number): Promise<void> {
    const now = this.clock.now();
    const yesterday = addSeconds(now, -A_DAY);
    for (const removal of [
      ...authorizationRemovals(yesterday, limit),
      ...requestRemovals(now, limit),
      sql`
        DELETE FROM revoked_tokens
         WHERE jti IN (SELECT jti FROM revoked_tokens WHERE expires_at < ${now} ORDER BY expires_at LIMIT ${limit})
        RETURNING 1`,
      sql`
        DELETE FROM used_jtis
         WHERE (context, jti_sha256) IN (SELECT context, jti_sha256 FROM used_jtis
                                          WHERE expires_at < ${now} ORDER BY expires_at LIMIT ${limit})
        RETURNING 1`,
    ]) {
      await this.repeat(removal, limit);
    }
  }

  private async repeat(removal: Statement, limit: number): Promise<void> {
    for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
      if ((await this.database.query(removal)).length < limit) return;
    }
  }
}

/** A day is kept, so that the reuse of a code or refresh token that has just expired is still recognized. */
function authorizationRemovals(yesterday: Date, limit: number): Statement[] {
  return [
    sql`
      DELETE FROM authorizations
       WHERE id IN (SELECT id FROM authorizations WHERE expires_at < ${yesterday} ORDER BY expires_at LIMIT ${limit})
      RETURNING 1`,
    sql`
      DELETE FROM authorizations
       WHERE id IN (SELECT id FROM authorizations
                     WHERE state = 'code' AND code_expires_at < ${yesterday}
                     ORDER BY code_expires_at LIMIT ${limit})
      RETURNING 1`,
    // a session that is over stays while an authorization of offline access does, which outlives it
    sql`
      DELETE FROM sessions
       WHERE id IN (SELECT s.id FROM sessions s
                     WHERE s.expires_at < ${yesterday}
                       AND NOT EXISTS (SELECT FROM authorizations a
                                        WHERE a.session_id = s.id AND a.state <> 'revoked' AND a.offline)
                     ORDER BY s.expires_at LIMIT ${limit})
      RETURNING 1`,
  ];
}

function requestRemovals(now: Date, limit: number): Statement[] {
  return [
    sql`
      DELETE FROM pushed_requests
       WHERE reference_sha256 IN (SELECT reference_sha256 FROM pushed_requests
                                   WHERE expires_at < ${now} ORDER BY expires_at LIMIT ${limit})
      RETURNING 1`,
    sql`
      DELETE FROM device_authorizations
       WHERE id IN (SELECT id FROM device_authorizations
                     WHERE expires_at < ${addSeconds(now, -AN_HOUR)} ORDER BY expires_at LIMIT ${limit})
      RETURNING 1`,
  ];
}
