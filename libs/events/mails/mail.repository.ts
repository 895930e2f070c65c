import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, sql, type SealedMail } from '#platform';

/** For so long a mail is its sender's; longer than a try can take. */
const LEASE_SECONDS = 120;
const MAILBOX = 'queued before there was a mail server';

export interface LeasedMail extends SealedMail {
  readonly createdAt: Date;
  /** This one included. */
  readonly attempts: number;
}

export interface ShownMail extends SealedMail {
  readonly createdAt: Date;
}

/** Mail that waits, is being sent, or has been settled. It leaves at least once, almost always once. */
@Injectable()
export class MailRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes mails that are due, the longest due first. Of several nodes each gets others; what its sender does not
   * settle comes back by itself. A mail is due from the moment it is queued, whatever our clock says.
   */
  async lease(limit: number): Promise<LeasedMail[]> {
    const now = this.clock.now();
    const until = addSeconds(now, LEASE_SECONDS);
    return this.database.query<LeasedMail>(sql`
      WITH due AS (
        SELECT id FROM mails
         WHERE sent_at IS NULL AND failed_at IS NULL AND (attempts = 0 OR next_attempt_at <= ${now})
         ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      UPDATE mails m SET attempts = attempts + 1, leased_until = ${until}, next_attempt_at = ${until}
        FROM due WHERE m.id = due.id
      RETURNING m.id, m.mail_envelope AS envelope, m.created_at AS "createdAt", m.attempts`);
  }

  /**
   * Gives up what waited for more than an hour while nobody here sent any mail: it was for the mailbox page, its links
   * are used or void. By the mails that were tried an installation is known that sends its own.
   */
  async leaveToMailbox(): Promise<void> {
    await this.database.query(sql`
      WITH left_there AS (
        UPDATE mails SET failed_at = ${this.clock.now()}, last_error = ${MAILBOX}
         WHERE sent_at IS NULL AND failed_at IS NULL AND attempts = 0 AND created_at < now() - interval '1 hour'
           AND NOT EXISTS (SELECT FROM mails tried WHERE tried.attempts > 0)
        RETURNING id
      )
      INSERT INTO audit_events (act, actor, target, result, detail)
      SELECT 'mail.give-up', 'system', id, 'failure', jsonb_build_object('reason', ${MAILBOX}::text) FROM left_there`);
  }

  /** It has left, and what it said is forgotten. Neither this nor `fail` counts once somebody else has taken it over. */
  async succeed({ id, attempts }: LeasedMail): Promise<void> {
    await this.database.query(sql`
      UPDATE mails SET sent_at = ${this.clock.now()}, leased_until = NULL, mail_envelope = NULL, last_error = NULL
       WHERE id = ${id} AND attempts = ${attempts} AND sent_at IS NULL AND failed_at IS NULL`);
  }

  /** @param retryAt null when it is given up, which is audited */
  async fail({ id, attempts }: LeasedMail, reason: string, retryAt: Date | null): Promise<void> {
    await this.database.query(sql`
      WITH failed AS (
        UPDATE mails
           SET leased_until = NULL, last_error = ${reason},
               next_attempt_at = coalesce(${retryAt}::timestamptz, next_attempt_at),
               failed_at = CASE WHEN ${retryAt}::timestamptz IS NULL THEN ${this.clock.now()}::timestamptz END
         WHERE id = ${id} AND attempts = ${attempts} AND sent_at IS NULL AND failed_at IS NULL
        RETURNING id, failed_at
      )
      INSERT INTO audit_events (act, actor, target, result, detail)
      SELECT 'mail.give-up', 'system', id, 'failure', jsonb_build_object('reason', ${reason}::text)
        FROM failed WHERE failed_at IS NOT NULL`);
  }

  /** The last mails that still say something, the newest first. */
  async latest(limit: number): Promise<ShownMail[]> {
    return this.database.query<ShownMail>(sql`
      SELECT id, mail_envelope AS envelope, created_at AS "createdAt" FROM mails
       WHERE mail_envelope IS NOT NULL ORDER BY created_at DESC, id LIMIT ${limit}`);
  }

  /** Removes up to `limit` mails that were settled, or queued where nobody sends any, before an instant. */
  async prune(before: Date, limit: number): Promise<void> {
    await this.database.query(sql`
      DELETE FROM mails
       WHERE id IN (SELECT id FROM mails
                     WHERE (sent_at IS NOT NULL OR failed_at IS NOT NULL) AND coalesce(sent_at, failed_at) < ${before}
                        OR sent_at IS NULL AND failed_at IS NULL AND attempts = 0 AND created_at < ${before}
                     LIMIT ${limit})`);
  }
}
