import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, sha256, sql } from '#platform';
import { DEVICE_CODE_SECONDS } from './device-authorization.repository.js';

/** Wrong codes that one person may enter while a code lives. */
const WRONG_CODES = 5;

/**
 * Wrong user codes (RFC 8628 §5.1), counted by person, so that another session of theirs gives no further tries. With
 * 20^8 codes a try hits one of a thousand waiting devices once in 25 million times.
 */
@Injectable()
export class UserCodeGuessRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts a try before its code is looked for, so that simultaneous guesses count each: one statement decides.
   * @returns undefined when the try may go on, else the instant until which there is none
   */
  async begin(userId: string): Promise<Date | undefined> {
    const now = this.clock.now();
    const end = addSeconds(now, DEVICE_CODE_SECONDS);
    const subject = subjectOf(userId);
    const [allowed] = await this.database.query(sql`
      INSERT INTO sign_in_failures AS f (subject, failures, last_failed_at, locked_until)
      VALUES (${subject}, 1, ${now}, ${end})
      ON CONFLICT (subject) DO UPDATE
         SET failures = CASE WHEN f.locked_until <= ${now} THEN 1 ELSE f.failures + 1 END,
             last_failed_at = ${now},
             locked_until = CASE WHEN f.locked_until <= ${now} THEN ${end} ELSE f.locked_until END
       WHERE f.failures < ${WRONG_CODES}::int OR f.locked_until <= ${now}
      RETURNING failures`);
    if (allowed) return undefined;
    const [row] = await this.database.query<{ locked_until: Date }>(
      sql`SELECT locked_until FROM sign_in_failures WHERE subject = ${subject}`,
    );
    return row?.locked_until ?? end;
  }

  /** The code was right: its try is not counted. Those before it stay, so a code of one's own buys no further tries. */
  async takeBack(userId: string): Promise<void> {
    await this.database.query(sql`
      UPDATE sign_in_failures SET failures = failures - 1 WHERE subject = ${subjectOf(userId)} AND failures > 0`);
  }
}

function subjectOf(userId: string): string {
  return `user-code:${sha256(userId).toString('base64url')}`;
}
