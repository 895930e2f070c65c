import { Injectable } from '@nestjs/common';
import {
  addSeconds,
  Clock,
  Database,
  KeyedDigest,
  randomUUID,
  sha256,
  sql,
  type SealedMail,
} from '#platform';
import { MAILS_PER_WINDOW, WINDOW_SECONDS } from './mail-count.repository.js';

/** What anybody may ask for by an address alone. */
export type MailedPurpose = 'register' | 'reset-password' | 'change-address';

export const MAILED_TOKEN_SECONDS = 3600;

export interface MailedTokenRequest {
  readonly purpose: MailedPurpose;
  /** Normalized. */
  readonly email: string;
  readonly secret: string;
  /** Whose it is, where that is not whoever has the address. */
  readonly userId?: string;
  /** What is mailed where an account that may sign in has the address, and where none has. */
  readonly mails: { readonly known: SealedMail; readonly unknown: SealedMail };
  /** The network address that asked. */
  readonly address: string;
}

export interface MailedToken {
  readonly email: string;
  readonly userId: string | null;
}

/** Single-use tokens that prove who reads a mailbox. They are used together with the act, by whoever does it. */
@Injectable()
export class MailedTokenRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly digests: KeyedDigest,
  ) {}

  /**
   * Mails a token, unless there was enough mail of this kind within the hour; then nothing happens. One statement
   * does the same for an address with an account and for one without, so that neither its time nor its answer tells.
   */
  async request({ purpose, email, secret, userId, mails, address }: MailedTokenRequest): Promise<void> {
    const now = this.clock.now();
    // who is signed in is counted alone: by naming a mailbox nobody uses up what its owner may ask for
    const subject = this.digests.of(`mail ${purpose}`, userId ?? email);
    await this.database.query(sql`
      WITH counted AS (
        INSERT INTO mail_requests AS r (subject, requests, window_ends_at)
        VALUES (${subject}, 1, ${addSeconds(now, WINDOW_SECONDS)})
        ON CONFLICT (subject) DO UPDATE
           SET requests = CASE WHEN r.window_ends_at <= ${now} THEN 1 ELSE r.requests + 1 END,
               window_ends_at = CASE WHEN r.window_ends_at <= ${now} THEN excluded.window_ends_at
                                     ELSE r.window_ends_at END
         WHERE r.window_ends_at <= ${now} OR r.requests < ${MAILS_PER_WINDOW}
        RETURNING requests
      ), asked AS (
        SELECT account.id AS known
          FROM counted LEFT JOIN (
            SELECT id FROM users WHERE email = ${email} AND disabled_at IS NULL) account ON true
      ), token AS (
        INSERT INTO one_time_tokens (id, secret_sha256, purpose, user_id, email, created_at, expires_at)
        SELECT ${randomUUID()}, ${sha256(secret)}, ${purpose}, coalesce(${userId ?? null}::uuid, known), ${email},
               ${now}::timestamptz, ${addSeconds(now, MAILED_TOKEN_SECONDS)}::timestamptz
          FROM asked
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope)
        SELECT CASE WHEN known IS NULL THEN ${mails.unknown.id}::uuid ELSE ${mails.known.id}::uuid END,
               CASE WHEN known IS NULL THEN ${mails.unknown.envelope} ELSE ${mails.known.envelope} END
          FROM asked
      )
      INSERT INTO audit_events (act, actor, target, address)
      SELECT ${`${purpose}.request`}, ${userId ?? 'anonymous'}::text,
             coalesce(${userId ?? null}::text, known::text, ${`address:${subject.toString('base64url')}`}::text),
             ${address}
        FROM asked`);
  }

  /** The token of a link that still stands; looking does not use it, since mail scanners follow links. */
  async find(purpose: MailedPurpose, secret: string): Promise<MailedToken | undefined> {
    const [row] = await this.database.query<MailedToken>(sql`
      SELECT email, user_id AS "userId" FROM one_time_tokens
       WHERE secret_sha256 = ${sha256(secret)} AND purpose = ${purpose} AND used_at IS NULL
         AND expires_at > ${this.clock.now()}`);
    return row;
  }

  /** Removes up to `limit` tokens that have expired, of every purpose, and as many counts that have ended. */
  async prune(limit: number): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      DELETE FROM one_time_tokens
       WHERE id IN (SELECT id FROM one_time_tokens WHERE expires_at < ${now} ORDER BY expires_at LIMIT ${limit})`);
    await this.database.query(sql`
      DELETE FROM mail_requests
       WHERE subject IN (SELECT subject FROM mail_requests WHERE window_ends_at < ${now} LIMIT ${limit})`);
  }
}
