import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { addSeconds, Clock, Configuration, Database, sql } from '#platform';
import { delaysUpTo } from '../lockout.js';

/** A day without a failure is a fresh start. */
const FORGET_AFTER = 86_400;
/** Seconds. */
const LONGEST_DELAY = 900;

/**
 * Tries of codes, by account. Who gets here knows the password, so that nobody else can cause the delay; at its longest
 * it leaves about a hundred guesses a day (NIST SP 800-63B-4 §3.2.2).
 */
@Injectable()
export class FactorTriesRepository {
  /** Delays by number of failures in a row; the last holds for all beyond. */
  private readonly delays: readonly number[];

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    configuration: Configuration,
  ) {
    const free = configuration.signInFailures;
    this.delays = [...Array.from({ length: free - 1 }, () => 0), ...delaysUpTo(LONGEST_DELAY)];
  }

  /**
   * Counts a try before its code is looked at, so that simultaneous guesses count each: one statement decides.
   * @returns undefined when the try may go on, else the instant until which there is none
   */
  async begin(userId: string): Promise<Date | undefined> {
    const now = this.clock.now();
    const forgotten = addSeconds(now, -FORGET_AFTER);
    const [allowed] = await this.database.query(sql`
      INSERT INTO second_factor_failures AS f (user_id, failures, last_failed_at, locked_until)
      VALUES (${userId}, 1, ${now}, ${addSeconds(now, this.delays[0] ?? 0)})
      ON CONFLICT (user_id) DO UPDATE
         SET failures = CASE WHEN f.last_failed_at < ${forgotten} THEN 1 ELSE f.failures + 1 END,
             last_failed_at = ${now},
             locked_until = ${now}::timestamptz + make_interval(secs => (${this.delays}::float8[])[
               least(CASE WHEN f.last_failed_at < ${forgotten} THEN 1 ELSE f.failures + 1 END,
                     ${this.delays.length}::int)])
       WHERE f.locked_until <= ${now}
      RETURNING failures`);
    if (allowed) return undefined;
    const [row] = await this.database.query<{ locked_until: Date }>(
      sql`SELECT locked_until FROM second_factor_failures WHERE user_id = ${userId}`,
    );
    return row?.locked_until ?? now;
  }

  /** A factor was right: what was counted is forgotten. */
  async clear(userId: string): Promise<void> {
    await this.database.query(sql`DELETE FROM second_factor_failures WHERE user_id = ${userId}`);
  }

  /** Puts a wrong factor on record; the delays bound how many there can be. */
  async failed(userId: string, method: string, by: Actor): Promise<void> {
    await this.database.query(sql`
      INSERT INTO audit_events (act, actor, target, address, factor, result, detail)
      VALUES ('factor.fail', ${by.id}, ${userId}, ${by.address}, ${by.factor}, 'failure',
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
