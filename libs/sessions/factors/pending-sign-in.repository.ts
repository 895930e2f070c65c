import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, randomSecret, randomUUID, sha256, sql } from '#platform';
import { PENDING_SECONDS } from '../session-cookie.js';

/** Wrong factors after which the password is asked for again. */
const MOST_TRIES = 10;

/** Somebody whose password was right and whose second factor is still to come. */
export interface PendingSignIn {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  /** What was proven so far (RFC 8176), and when. */
  readonly amr: readonly string[];
  readonly askedAt: Date;
}

/** Sign-ins that wait for the second factor. They are no sessions: nothing but the second step knows of them. */
@Injectable()
export class PendingSignInRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * @param address the network address that the password came from
   * @param askedAt when the password was asked for
   * @returns the secret for the cookie; the database holds its digest
   */
  async start(userId: string, amr: readonly string[], address: string, askedAt: Date): Promise<string> {
    const now = this.clock.now();
    const secret = randomSecret();
    await this.database.query(sql`
      WITH started AS (
        INSERT INTO pending_sign_ins (id, secret_sha256, user_id, amr, created_at, expires_at)
        VALUES (${randomUUID()}, ${sha256(secret)}, ${userId}, ${amr}, ${askedAt}, ${addSeconds(now, PENDING_SECONDS)})
        RETURNING user_id
      )
      INSERT INTO audit_events (act, actor, target, address, factor)
      SELECT 'sign-in.first-factor', user_id::text, user_id, ${address}, ${amr.join(' ')} FROM started`);
    return secret;
  }

  /** The sign-in of a cookie's secret while it may go on: not for an account whose password has changed since. */
  async find(secret: string | undefined): Promise<PendingSignIn | undefined> {
    if (secret === undefined) return undefined;
    const [row] = await this.database.query<PendingSignIn>(sql`
      SELECT p.id, p.user_id AS "userId", u.email, p.amr, p.created_at AS "askedAt"
        FROM pending_sign_ins p
        JOIN users u ON u.id = p.user_id AND u.disabled_at IS NULL AND u.password_changed_at <= p.created_at
       WHERE p.secret_sha256 = ${sha256(secret)} AND p.expires_at > ${this.clock.now()} AND p.tries < ${MOST_TRIES}`);
    return row;
  }

  /** Counts a try before the factor is looked at. @returns false when there were too many */
  async count({ id }: PendingSignIn): Promise<boolean> {
    const counted = await this.database.query(sql`
      UPDATE pending_sign_ins SET tries = tries + 1 WHERE id = ${id} AND tries < ${MOST_TRIES} RETURNING id`);
    return counted.length > 0;
  }

  /** @returns whether this call ended it: it becomes one session at most */
  async end({ id }: PendingSignIn): Promise<boolean> {
    const ended = await this.database.query(sql`DELETE FROM pending_sign_ins WHERE id = ${id} RETURNING id`);
    return ended.length > 0;
  }

  /** Removes up to `limit` that have expired. */
  async prune(limit: number): Promise<void> {
    await this.database.query(sql`
      DELETE FROM pending_sign_ins
       WHERE id IN (SELECT id FROM pending_sign_ins WHERE expires_at <= ${this.clock.now()} LIMIT ${limit})`);
  }
}
