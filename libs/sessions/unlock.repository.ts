import { Injectable } from '@nestjs/common';
import { Clock, Database, sql, type SealedMail } from '#platform';
import type { NewDevice } from './known-device.repository.js';

/** The owner of an account that is closed to strangers. */
export interface DelayedPerson {
  readonly id: string;
  readonly email: string;
  readonly name: string;
}

/** A mail with a link, and the token that the link carries. */
export interface UnlockMail {
  readonly sealed: SealedMail;
  readonly tokenId: string;
  readonly secretSha256: Buffer;
  readonly expiresAt: Date;
}

interface DueRow {
  subject: string;
  id: string | null;
  email: string;
  name: string;
}

@Injectable()
export class UnlockRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Writes one of the mails that are due, if `compose` makes one; an account that nobody has gets none. Of several
   * nodes each takes others.
   * @returns false when none is due
   */
  async write(compose: (person: DelayedPerson) => UnlockMail | undefined): Promise<boolean> {
    const now = this.clock.now();
    return this.database.transaction(async (transaction) => {
      const [due] = await transaction.query<DueRow>(sql`
        SELECT f.subject, u.id, u.email, u.name
          FROM sign_in_failures f LEFT JOIN users u ON u.id = f.user_id AND u.disabled_at IS NULL
         WHERE f.mail_due ORDER BY f.last_failed_at LIMIT 1 FOR UPDATE OF f SKIP LOCKED`);
      if (!due) return false;
      const mail = due.id === null ? undefined : compose({ id: due.id, email: due.email, name: due.name });
      await transaction.query(sql`
        WITH told AS (
          UPDATE sign_in_failures SET mail_due = false, mailed_at = ${now} WHERE subject = ${due.subject}
          RETURNING user_id
        ), written AS (
          INSERT INTO one_time_tokens (id, secret_sha256, purpose, user_id, email, created_at, expires_at)
          SELECT ${mail?.tokenId ?? null}::uuid, ${mail?.secretSha256 ?? null}::bytea, 'unlock', user_id,
                 ${due.email}, ${now}, ${mail?.expiresAt ?? null}::timestamptz
            FROM told WHERE ${mail !== undefined}::boolean
          RETURNING user_id
        ), mailed AS (
          INSERT INTO mails (id, mail_envelope)
          SELECT ${mail?.sealed.id ?? null}::uuid, ${mail?.sealed.envelope ?? null}::text FROM written
        )
        INSERT INTO audit_events (act, actor, target) SELECT 'account.mail-unlock', 'system', user_id FROM written`);
      return true;
    });
  }

  /** Whether the link of this token would open an account at this moment. */
  async isOpen(tokenSha256: Buffer): Promise<boolean> {
    const [token] = await this.database.query(sql`
      SELECT FROM one_time_tokens t JOIN users u ON u.id = t.user_id AND u.email = t.email AND u.disabled_at IS NULL
       WHERE t.secret_sha256 = ${tokenSha256} AND t.purpose = 'unlock'
         AND t.used_at IS NULL AND t.expires_at > ${this.clock.now()}`);
    return token !== undefined;
  }

  /**
   * Uses the link: the account is open to strangers again, and the browser is let in whatever they do from now on.
   * Who guessed goes on waiting.
   * @param address the network address that it came from
   * @returns false when the token is unknown, used or expired, or the account's address is another now
   */
  async open(
    tokenSha256: Buffer,
    device: Pick<NewDevice, 'id' | 'secretSha256'>,
    address: string,
  ): Promise<boolean> {
    const now = this.clock.now();
    const opened = await this.database.query(sql`
      WITH token AS (
        UPDATE one_time_tokens t SET used_at = ${now} FROM users u
         WHERE t.secret_sha256 = ${tokenSha256} AND t.purpose = 'unlock'
           AND t.used_at IS NULL AND t.expires_at > ${now}
           AND u.id = t.user_id AND u.email = t.email AND u.disabled_at IS NULL
        RETURNING t.user_id
      ), opened AS (
        DELETE FROM sign_in_failures f USING token
         WHERE f.user_id = token.user_id AND starts_with(f.subject, 'account:')
      ), let_in AS (
        INSERT INTO known_devices (id, user_id, secret_sha256, first_seen_at)
        SELECT ${device.id}, user_id, ${device.secretSha256}, ${now} FROM token
        RETURNING id, user_id
      )
      INSERT INTO audit_events (act, actor, target, address, detail)
      SELECT 'account.unlock', user_id::text, user_id::text, ${address}, jsonb_build_object('by', 'mail', 'device', id)
        FROM let_in
      RETURNING id`);
    return opened.length > 0;
  }

  /** Removes up to `limit` tokens that no link can use any more. */
  async prune(limit: number): Promise<void> {
    await this.database.query(sql`
      DELETE FROM one_time_tokens
       WHERE id IN (SELECT id FROM one_time_tokens
                     WHERE purpose = 'unlock' AND expires_at < ${this.clock.now()} LIMIT ${limit})`);
  }
}
