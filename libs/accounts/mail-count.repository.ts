import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, KeyedDigest, sql, type Transaction } from '#platform';

/** To one address, or at the wish of one person, for one purpose; more help nobody who reads the mailbox. */
export const MAILS_PER_WINDOW = 3;
/** Of one person, to whomever: as many as a large organization needs, and too few for who writes to strangers. */
const INVITATIONS_PER_WINDOW = 200;
export const WINDOW_SECONDS = 3600;

/** How many mails people had sent to others within the hour. */
@Injectable()
export class MailCountRepository {
  constructor(
    private readonly clock: Clock,
    private readonly digests: KeyedDigest,
  ) {}

  /**
   * Counts an invitation, of whichever organization, in the transaction that sends it.
   * @returns what has been sent enough of
   */
  async invitation(on: Transaction, email: string, by: string): Promise<'address' | 'person' | undefined> {
    // everybody counts in this order
    if (!(await this.count(on, 'invitations by', by, INVITATIONS_PER_WINDOW))) return 'person';
    return (await this.count(on, 'invitation', email, MAILS_PER_WINDOW)) ? undefined : 'address';
  }

  /** @returns false when there were `most` within the hour */
  private async count(on: Transaction, kind: string, of: string, most: number): Promise<boolean> {
    const now = this.clock.now();
    const counted = await on.query(sql`
      INSERT INTO mail_requests AS r (subject, requests, window_ends_at)
      VALUES (${this.digests.of(`mail ${kind}`, of)}, 1, ${addSeconds(now, WINDOW_SECONDS)})
      ON CONFLICT (subject) DO UPDATE
         SET requests = CASE WHEN r.window_ends_at <= ${now} THEN 1 ELSE r.requests + 1 END,
             window_ends_at = CASE WHEN r.window_ends_at <= ${now} THEN excluded.window_ends_at
                                   ELSE r.window_ends_at END
       WHERE r.window_ends_at <= ${now} OR r.requests < ${most}
      RETURNING requests`);
    return counted.length > 0;
  }
}
