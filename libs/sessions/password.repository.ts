import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Clock, Database, randomSecret, sha256, sql, type SealedMail } from '#platform';
import type { Session } from './session.js';

/** A password as it is kept. */
export interface KeptPassword {
  readonly hash: string;
  /** Whether it is long enough without a second factor too. */
  readonly standsAlone: boolean;
}

interface ChosenPassword {
  /** The hash that the current password was compared with; undefined for who had none. */
  readonly from: string | undefined;
  readonly to: KeptPassword;
  readonly by: Actor;
  readonly notice: SealedMail;
}

export interface OwnPasswordChange extends ChosenPassword {
  readonly session: Session;
}

export interface PasswordChangeByApplication extends ChosenPassword {
  /** That goes on; none does when undefined. */
  readonly sessionId: string | undefined;
}

export interface PasswordReset {
  readonly secret: string;
  readonly password: KeptPassword;
  /** The network address that asked. */
  readonly address: string;
  readonly notice: SealedMail;
}

/** Passwords as what everything that was signed in with them hangs on. */
@Injectable()
export class PasswordRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * A password that somebody else may know works no more, nor does anything that it led to; its owner chooses another
   * by mail (NIST SP 800-63B-4 §3.1.1.2). Second factors stay.
   * @returns how many sessions ended; undefined for who has no password
   */
  async end(userId: string, actor: string, notice: SealedMail): Promise<number | undefined> {
    const now = this.clock.now();
    const [done] = await this.database.query<{ sessions: number }>(sql`
      WITH changed AS (
        UPDATE users SET password_hash = NULL, password_short = false, password_changed_at = ${now},
                         ended_password_hash = password_hash
         WHERE id = ${userId} AND password_hash IS NOT NULL
        RETURNING id
      ), ended AS (
        UPDATE sessions s SET ended_at = ${now} FROM changed
         WHERE s.user_id = changed.id AND s.ended_at IS NULL
        RETURNING s.id
      ), forgotten AS (
        DELETE FROM known_devices d USING changed WHERE d.user_id = changed.id
      ), voided AS (
        UPDATE one_time_tokens t SET used_at = ${now} FROM changed
         WHERE t.user_id = changed.id AND t.used_at IS NULL AND t.purpose IN ('reset-password', 'change-address', 'unlock')
      ), told AS (
        INSERT INTO outbox (kind, subject)
        SELECT 'session-ended', id FROM ended UNION ALL SELECT 'credential-changed', id FROM changed
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${notice.id}::uuid, ${notice.envelope}::text FROM changed
      ), audited AS (
        INSERT INTO audit_events (act, actor, target)
        SELECT 'account.reset-password', ${actor}::text, id FROM changed
      )
      SELECT (SELECT count(*)::int FROM ended) AS sessions FROM changed`);
    return done?.sessions;
  }

  /** The hash of the password that was ended; undefined once another was chosen. */
  async endedHash(userId: string): Promise<string | undefined> {
    const [row] = await this.database.query<{ hash: string | null }>(sql`
      SELECT ended_password_hash AS hash FROM users WHERE id = ${userId}`);
    return row?.hash ?? undefined;
  }

  /**
   * A new password, chosen by its owner. Whatever the old one led to ends but the session in which it was chosen: the
   * person has just authenticated in it, and it goes on under a new secret.
   * @returns that secret; undefined when the password was changed meanwhile, the session has ended, or the second
   * factor is gone that a short password needs
   */
  async changeOwn({ session, ...chosen }: OwnPasswordChange): Promise<string | undefined> {
    const secret = randomSecret();
    return (await this.choose({ ...chosen, sessionId: session.id }, sha256(secret))) ? secret : undefined;
  }

  /**
   * A new password, chosen by its owner through an application: as in a session, but the secret stays.
   * @returns false when the password was changed meanwhile, the session has ended, or the second factor is gone that a
   * short password needs
   */
  async changeByApplication(change: PasswordChangeByApplication): Promise<boolean> {
    return this.choose(change, null);
  }

  /** @param newSecret digest; the session keeps its own when there is none */
  private async choose(
    { sessionId, from, to, by, notice }: PasswordChangeByApplication,
    newSecret: Buffer | null,
  ): Promise<boolean> {
    const now = this.clock.now();
    const kept = sessionId ?? null;
    const changed = await this.database.query(sql`
      WITH own AS (
        SELECT u.id FROM users u
         WHERE u.id = ${by.id}
           AND (${kept}::uuid IS NULL
                OR EXISTS (SELECT FROM sessions WHERE id = ${kept} AND user_id = u.id AND ended_at IS NULL))
      ), changed AS (
        UPDATE users u
           SET password_hash = ${to.hash}, password_short = NOT ${to.standsAlone}::boolean, password_changed_at = ${now},
               ended_password_hash = NULL
          FROM own
         WHERE u.id = own.id AND u.password_hash IS NOT DISTINCT FROM ${from ?? null} AND u.disabled_at IS NULL
           AND (${to.standsAlone} OR u.second_factors > 0)
        RETURNING u.id
      ), renewed AS (
        UPDATE sessions s SET secret_sha256 = coalesce(${newSecret}, secret_sha256), auth_time = ${now}, last_seen_at = ${now}
          FROM changed WHERE s.id = ${kept} AND s.user_id = changed.id AND s.ended_at IS NULL
      ), ended AS (
        UPDATE sessions s SET ended_at = ${now} FROM changed
         WHERE s.user_id = changed.id AND s.id IS DISTINCT FROM ${kept}::uuid AND s.ended_at IS NULL
        RETURNING s.id
      ), forgotten AS (
        DELETE FROM known_devices d USING changed WHERE d.user_id = changed.id
      ), voided AS (
        UPDATE one_time_tokens t SET used_at = ${now} FROM changed
         WHERE t.user_id = changed.id AND t.used_at IS NULL AND t.purpose IN ('reset-password', 'change-address', 'unlock')
      ), told AS (
        INSERT INTO outbox (kind, subject)
        SELECT 'session-ended', id FROM ended UNION ALL SELECT 'credential-changed', id FROM changed
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${notice.id}, ${notice.envelope} FROM changed
      )
      INSERT INTO audit_events (act, actor, target, address, factor, client_id)
      SELECT 'user.change-password', ${by.id}::text, id, ${by.address}::text, ${by.factor}::text,
             ${by.client ?? null}::text FROM changed
      RETURNING id`);
    return changed.length > 0;
  }

  /**
   * A new password by a link that was mailed, which proves the address too. Whatever the old one led to ends; second
   * factors stay. @returns false when the link no longer stands, or the second factor that a short password needs
   */
  async reset({ secret, password, address, notice }: PasswordReset): Promise<boolean> {
    const now = this.clock.now();
    const changed = await this.database.query(sql`
      WITH locked AS (
        -- the person first, then tokens, as whoever voids them does: in another order two would wait for each other
        SELECT id FROM users
         WHERE id = (SELECT user_id FROM one_time_tokens WHERE secret_sha256 = ${sha256(secret)})
           AND (${password.standsAlone} OR second_factors > 0)
           FOR NO KEY UPDATE
      ), token AS (
        UPDATE one_time_tokens t SET used_at = ${now} FROM locked
         WHERE t.user_id = locked.id AND t.secret_sha256 = ${sha256(secret)} AND t.purpose = 'reset-password'
           AND t.used_at IS NULL AND t.expires_at > ${now}
        RETURNING t.id, t.user_id, t.email
      ), changed AS (
        UPDATE users u
           SET password_hash = ${password.hash}, password_short = NOT ${password.standsAlone}::boolean,
               password_changed_at = ${now}, ended_password_hash = NULL,
               email_verified_at = coalesce(u.email_verified_at, ${now})
          FROM token WHERE u.id = token.user_id AND u.email = token.email AND u.disabled_at IS NULL
        RETURNING u.id, token.id AS token_id
      ), ended AS (
        UPDATE sessions s SET ended_at = ${now} FROM changed
         WHERE s.user_id = changed.id AND s.ended_at IS NULL
        RETURNING s.id
      ), forgotten AS (
        DELETE FROM known_devices d USING changed WHERE d.user_id = changed.id
      ), voided AS (
        UPDATE one_time_tokens t SET used_at = ${now} FROM changed
         WHERE t.user_id = changed.id AND t.id <> changed.token_id AND t.used_at IS NULL
           AND t.purpose IN ('reset-password', 'change-address', 'unlock')
      ), told AS (
        INSERT INTO outbox (kind, subject)
        SELECT 'session-ended', id FROM ended UNION ALL SELECT 'credential-changed', id FROM changed
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${notice.id}, ${notice.envelope} FROM changed
      )
      INSERT INTO audit_events (act, actor, target, address)
      SELECT 'user.reset-password', id, id, ${address}::text FROM changed
      RETURNING id`);
    return changed.length > 0;
  }

  /** Somebody who is signed in did not know the password: it may be who stole the session. */
  async noteWrong(by: Actor): Promise<void> {
    await this.database.query(sql`
      INSERT INTO audit_events (act, actor, target, address, factor, client_id, result)
      VALUES ('user.confirm-password', ${by.id}, ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null},
              'failure')`);
  }
}
