import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { addSeconds, Clock, Configuration, Database, sql, type SealedMail } from '#platform';
import { delaysUpTo } from '../lockout.js';

/** So long without a failure is a fresh start. */
const FORGET_AFTER = 30 * 86_400;
/** Seconds, from the failure on that is one too many; the last holds for all beyond. */
const DELAYS = delaysUpTo(900);
/** NIST SP 800-63B-4 §3.2.2: in a row; then none is looked at until the account is unlocked. */
const MOST_FAILURES = 100;
/** Of mails about wrong codes. */
const MAIL_PERIOD = 86_400;

/**
 * Tries of an authenticator app's codes, which can be guessed, by account; passkeys and recovery codes cannot be, and
 * keep their owner's way open. Who gets here knows the password, so that nobody else can cause the delay.
 */
@Injectable()
export class FactorTriesRepository {
  private readonly free: number;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    configuration: Configuration,
  ) {
    this.free = configuration.signInFailures;
  }

  /**
   * Counts a try before its code is looked at, so that simultaneous guesses count each: one statement decides.
   * @returns undefined when the try may go on, else the instant until which there is none, if there will be one
   */
  async begin(userId: string): Promise<Date | 'closed' | undefined> {
    const now = this.clock.now();
    const forgotten = addSeconds(now, -FORGET_AFTER);
    const [allowed] = await this.database.query(sql`
      INSERT INTO second_factor_failures AS f (user_id, failures, last_failed_at, locked_until)
      VALUES (${userId}, 1, ${now}, '-infinity')
      ON CONFLICT (user_id) DO UPDATE
         SET (failures, last_failed_at, locked_until) = (
               SELECT counted.failures, ${now}::timestamptz,
                      CASE WHEN counted.failures < ${this.free} THEN '-infinity'
                           ELSE ${now}::timestamptz + make_interval(secs => (${DELAYS}::float8[])[
                             least(counted.failures - ${this.free} + 1, ${DELAYS.length}::int)]) END
                 FROM (SELECT CASE WHEN f.last_failed_at < ${forgotten} THEN 1 ELSE f.failures + 1 END) AS counted(failures))
       WHERE f.locked_until <= ${now} AND (f.failures < ${MOST_FAILURES} OR f.last_failed_at < ${forgotten})
      RETURNING failures`);
    if (allowed) return undefined;
    const [row] = await this.database.query<{ locked_until: Date; failures: number }>(
      sql`SELECT locked_until, failures FROM second_factor_failures WHERE user_id = ${userId}`,
    );
    return row && row.failures >= MOST_FAILURES ? 'closed' : (row?.locked_until ?? now);
  }

  /** Tells the owner, once a day at most, when so many codes were wrong that they bring a delay. */
  async tell(userId: string, notice: SealedMail): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      WITH told AS (
        UPDATE second_factor_failures SET mailed_at = ${now}
         WHERE user_id = ${userId} AND failures >= ${this.free}
           AND coalesce(mailed_at <= ${addSeconds(now, -MAIL_PERIOD)}, true)
        RETURNING user_id
      )
      INSERT INTO mails (id, mail_envelope) SELECT ${notice.id}::uuid, ${notice.envelope} FROM told`);
  }

  /** A factor was right: what was counted is forgotten. */
  async clear(userId: string): Promise<void> {
    await this.database.query(sql`DELETE FROM second_factor_failures WHERE user_id = ${userId}`);
  }

  /** Puts a wrong factor on record; a sign-in that waits for its second step bounds how many there can be. */
  async failed(userId: string, method: string, by: Actor): Promise<void> {
    await this.database.query(sql`
      INSERT INTO audit_events (act, actor, target, address, factor, client_id, result, detail)
      VALUES ('factor.fail', ${by.id}, ${userId}, ${by.address}, ${by.factor}, ${by.client ?? null}, 'failure',
              jsonb_build_object('method', ${method}::text))`);
  }

  /** Removes up to `limit` counts that are of no consequence any more. */
  async prune(limit: number): Promise<void> {
    const before = addSeconds(this.clock.now(), -FORGET_AFTER);
    await this.database.query(sql`
      DELETE FROM second_factor_failures
       WHERE user_id IN (SELECT user_id FROM second_factor_failures WHERE last_failed_at < ${before} LIMIT ${limit})`);
  }
}
