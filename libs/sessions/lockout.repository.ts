import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Configuration, Database, sha256, sql } from '#platform';
import { delayAfter } from './lockout.js';

/** A day without a failure is a fresh start. */
const FORGET_AFTER = 86_400;

@Injectable()
export class LockoutRepository {
  /** Delays by number of failures in a row; the last holds for all beyond. */
  private readonly delays: readonly number[];

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    configuration: Configuration,
  ) {
    const free = configuration.signInFailures;
    this.delays = Array.from({ length: free + 6 }, (_, index) => delayAfter(index + 1, free));
  }

  /**
   * Counts a try before its password is looked at, so that simultaneous guesses count each: one statement decides.
   * @returns undefined when the try may go on, else the instant until which there is none
   */
  async begin(email: string): Promise<Date | undefined> {
    const now = this.clock.now();
    const subject = subjectOf(email);
    const [allowed] = await this.database.query(sql`
      INSERT INTO sign_in_failures AS f (subject, failures, last_failed_at, locked_until)
      VALUES (${subject}, 1, ${now}, ${addSeconds(now, this.delays[0] ?? 0)})
      ON CONFLICT (subject) DO UPDATE
         SET failures = CASE WHEN f.last_failed_at < ${addSeconds(now, -FORGET_AFTER)} THEN 1 ELSE f.failures + 1 END,
             last_failed_at = ${now},
             locked_until = ${now}::timestamptz + make_interval(secs => (${this.delays}::float8[])[
               least(CASE WHEN f.last_failed_at < ${addSeconds(now, -FORGET_AFTER)} THEN 1 ELSE f.failures + 1 END,
                     ${this.delays.length}::int)])
       WHERE f.locked_until <= ${now}
      RETURNING failures`);
    if (allowed) return undefined;
    const [row] = await this.database.query<{ locked_until: Date }>(
      sql`SELECT locked_until FROM sign_in_failures WHERE subject = ${subject}`,
    );
    return row?.locked_until ?? now;
  }

  /** Removes up to `limit` counts that are of no consequence any more. */
  async prune(limit: number): Promise<void> {
    const before = addSeconds(this.clock.now(), -FORGET_AFTER);
    await this.database.query(sql`
      DELETE FROM sign_in_failures
       WHERE subject IN (SELECT subject FROM sign_in_failures WHERE last_failed_at < ${before} LIMIT ${limit})`);
  }

  /** The password was right: what was counted is forgotten. */
  async clear(email: string): Promise<void> {
    await this.database.query(sql`DELETE FROM sign_in_failures WHERE subject = ${subjectOf(email)}`);
  }
}

/** Addresses that somebody typed are kept only as digests, whether an account has them or not. */
function subjectOf(email: string): string {
  return `account:${sha256(email).toString('base64url')}`;
}
