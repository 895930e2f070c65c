import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Clock, Database, isUniqueViolation, randomUUID, sha256, sql, type SealedMail } from '#platform';

/** `invalid`: no such link, used, expired or somebody else's. `taken`: another account has the address by now. */
export type AddressOutcome = 'done' | 'invalid' | 'taken';

export interface NewAccount {
  readonly secret: string;
  readonly name: string;
  readonly passwordHash: string;
  /** The network address that asked. */
  readonly address: string;
}

/** Accounts get an address when somebody has proved to read it; the constraint on it decides between two. */
@Injectable()
export class AddressRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Makes the account that a mailed link leads to. @returns its id, or why there is none */
  async register(account: NewAccount): Promise<{ id: string } | Exclude<AddressOutcome, 'done'>> {
    const { secret, name, passwordHash, address } = account;
    const now = this.clock.now();
    const id = randomUUID();
    const [outcome] = await this.database.query<{ valid: boolean; created: boolean }>(sql`
      WITH token AS (
        UPDATE one_time_tokens SET used_at = ${now}
         WHERE secret_sha256 = ${sha256(secret)} AND purpose = 'register' AND user_id IS NULL
           AND used_at IS NULL AND expires_at > ${now}
        RETURNING email
      ), created AS (
        INSERT INTO users (id, email, name, password_hash, email_verified_at)
        SELECT ${id}, email, ${name}, ${passwordHash}, ${now}::timestamptz FROM token
        ON CONFLICT (email) DO NOTHING
        RETURNING id
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, address)
        SELECT 'user.register', id, id, ${address} FROM created
      )
      SELECT EXISTS (SELECT FROM token) AS valid, EXISTS (SELECT FROM created) AS created`);
    if (outcome?.created) return { id };
    return outcome?.valid ? 'taken' : 'invalid';
  }

  /** Gives the account of `by` the address that a mailed link proves, and tells the one before it. */
  async change(secret: string, by: Actor, notice: SealedMail): Promise<AddressOutcome> {
    const now = this.clock.now();
    try {
      const changed = await this.database.query(sql`
        WITH locked AS (
          -- the person first, then tokens, as whoever voids them does: in another order two would wait for each other
          SELECT id FROM users WHERE id = ${by.id} FOR NO KEY UPDATE
        ), token AS (
          UPDATE one_time_tokens t SET used_at = ${now} FROM locked
           WHERE t.user_id = locked.id AND t.secret_sha256 = ${sha256(secret)} AND t.purpose = 'change-address'
             AND t.used_at IS NULL AND t.expires_at > ${now}
          RETURNING t.id, t.user_id, t.email
        ), changed AS (
          UPDATE users u SET email = token.email, email_verified_at = ${now} FROM token
           WHERE u.id = token.user_id AND u.disabled_at IS NULL
          RETURNING u.id, token.id AS token_id
        ), voided AS (
          -- what was mailed to the old address, and other wishes
          UPDATE one_time_tokens t SET used_at = ${now} FROM changed
           WHERE t.user_id = changed.id AND t.id <> changed.token_id AND t.used_at IS NULL
             AND t.purpose IN ('reset-password', 'change-address')
        ), mailed AS (
          INSERT INTO mails (id, mail_envelope) SELECT ${notice.id}, ${notice.envelope} FROM changed
        )
        INSERT INTO audit_events (act, actor, target, address, factor, client_id)
        SELECT 'user.change-address', ${by.id}::text, id, ${by.address}::text, ${by.factor}::text,
               ${by.client ?? null}::text FROM changed
        RETURNING id`);
      return changed.length > 0 ? 'done' : 'invalid';
    } catch (error) {
      if (isUniqueViolation(error)) return 'taken';
      throw error;
    }
  }
}
