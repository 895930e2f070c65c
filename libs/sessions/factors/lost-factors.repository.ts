import type { Actor } from '#observability';
import { PublicError, sql, type Clock, type Configuration, type Database, type MailSealer } from '#platform';
import type { FactorOwner } from './factor.js';
import { factorsLostMail } from './factor-mails.js';

/** What the removal of every factor came to. */
export interface FactorsRemoved {
  readonly sessions: number;
  /** Whether the password was too short to stand alone, or may have been, and is gone too. */
  readonly passwordEnded: boolean;
}

/** A way back for who has lost every factor: whoever runs the service takes them away. */
export class LostFactorsRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly mails: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Removes every factor, and what stood for one; ends every session and authorization. Also where an organization
   * asks for a factor: the person adds one before they act for it. A password that may be too short to stand alone
   * (NIST SP 800-63B-4 §3.1.1.2) ends, and another is chosen by mail.
   * @returns undefined for who has no factor; nothing is changed then
   * @throws PublicError 409 `no_mail` when the person would have neither a password nor a mail to choose one by
   */
  async remove(owner: FactorOwner, by: Actor): Promise<FactorsRemoved | undefined> {
    return this.database.transaction(async (transaction) => {
      // by a statement of its own: the one that removes then sees what was added while it waited
      const [person] = await transaction.query<{ protected: boolean; stands_alone: boolean }>(sql`
        SELECT second_factors > 0 AS protected,
               password_hash IS NOT NULL AND password_short IS FALSE AS stands_alone
          FROM users WHERE id = ${owner.userId} FOR NO KEY UPDATE`);
      if (!person?.protected) return undefined;
      const passwordEnded = !person.stands_alone;
      if (passwordEnded && !this.configuration.sendsMail) throw noMail(owner);
      const [outcome] = await transaction.query<{ sessions: number }>(
        this.removal(owner, by, { passwordEnded }),
      );
      return { sessions: outcome?.sessions ?? 0, passwordEnded };
    });
  }

  private removal(owner: FactorOwner, by: Actor, { passwordEnded }: Pick<FactorsRemoved, 'passwordEnded'>) {
    const { userId } = owner;
    const now = this.clock.now();
    const mail = this.mails.seal(factorsLostMail(owner, passwordEnded, this.configuration.issuer));
    return sql`
      WITH apps AS (
        DELETE FROM totp_factors WHERE user_id = ${userId} RETURNING user_id
      ), keys AS (
        DELETE FROM passkeys WHERE user_id = ${userId} RETURNING user_id
      ), codes AS (
        DELETE FROM recovery_codes WHERE user_id = ${userId}
      ), forgotten AS (
        DELETE FROM known_devices WHERE user_id = ${userId}
      ), waiting AS (
        DELETE FROM pending_sign_ins WHERE user_id = ${userId}
      ), failures AS (
        DELETE FROM second_factor_failures WHERE user_id = ${userId}
      ), bared AS (
        UPDATE users
           SET second_factors = second_factors - (SELECT count(*) FROM apps) - (SELECT count(*) FROM keys),
               password_hash = CASE WHEN ${passwordEnded}::boolean THEN NULL ELSE password_hash END,
               password_short = false,
               password_changed_at = CASE WHEN ${passwordEnded} THEN ${now}::timestamptz ELSE password_changed_at END
         WHERE id = ${userId}
        RETURNING id
      ), ended AS (
        UPDATE sessions SET ended_at = ${now} WHERE user_id = ${userId} AND ended_at IS NULL RETURNING id
      ), revoked AS (
        UPDATE authorizations SET state = 'revoked' WHERE user_id = ${userId} AND state <> 'revoked'
        RETURNING id, organization_id
      ), voided AS (
        UPDATE one_time_tokens SET used_at = ${now}
         WHERE user_id = ${userId} AND used_at IS NULL AND purpose IN ('change-address', 'unlock')
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'authorization-revoked', id, organization_id FROM revoked
        UNION ALL SELECT 'session-ended', id, NULL FROM ended
        UNION ALL SELECT 'credential-changed', id, NULL FROM bared WHERE ${passwordEnded}
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${mail.id}, ${mail.envelope} FROM bared
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, address, factor, client_id, detail)
        SELECT 'account.remove-factors', ${by.id}, id, ${by.address}, ${by.factor}, ${by.client ?? null},
               jsonb_build_object('totp', EXISTS (SELECT FROM apps), 'passkeys', (SELECT count(*) FROM keys),
                                  'password_ended', ${passwordEnded}::boolean)
          FROM bared
      )
      SELECT count(*)::int AS sessions FROM ended`;
  }
}

function noMail({ email }: FactorOwner): PublicError {
  return new PublicError(
    409,
    'no_mail',
    `Without a second factor ${email} needs another password, which is chosen by mail, and no mail leaves this installation. Set CORE_AUTH_SMTP_URL and CORE_AUTH_MAIL_FROM first. Nothing was changed.`,
  );
}
