import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Clock, Configuration, Database, KeyEncryption, MailSealer, sql } from '#platform';
import type { FactorOwner } from './factor.js';
import { factorNotice } from './factor-mails.js';
import { removeFactor, type RemovalOutcome } from './factor-removal.repository.js';

export const totpEnvelopeContext = (userId: string) => `totp:${userId}`;

/** An authenticator app as it is kept. */
export interface TotpApp {
  readonly userId: string;
  readonly secret: Buffer;
  readonly envelope: string;
}

/** Authenticator apps, one a person: with several, each guess would count for each of them. */
@Injectable()
export class TotpRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly encryption: KeyEncryption,
    private readonly mails: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  async appOf(userId: string): Promise<TotpApp | undefined> {
    const [row] = await this.database.query<{ envelope: string }>(sql`
      SELECT secret_envelope AS envelope FROM totp_factors WHERE user_id = ${userId}`);
    if (!row) return undefined;
    const secret = this.encryption.decrypt(row.envelope, totpEnvelopeContext(userId));
    return { userId, secret, envelope: row.envelope };
  }

  /**
   * Adds the app that the person has proven to hold, in place of the one that they had.
   * @param step of the code that proved it, which is used up by that
   */
  async put(owner: FactorOwner, secret: Buffer, step: number, by: Actor): Promise<void> {
    const { userId } = owner;
    const now = this.clock.now();
    const envelope = this.encryption.encrypt(secret, totpEnvelopeContext(userId));
    const [added, replaced] = (['totp-added', 'totp-replaced'] as const).map((kind) =>
      this.mails.seal(factorNotice(owner, { kind }, this.configuration.issuer)),
    );
    await this.database.query(sql`
      WITH put AS (
        INSERT INTO totp_factors (user_id, secret_envelope, last_step, created_at)
        VALUES (${userId}, ${envelope}, ${step}, ${now})
        ON CONFLICT (user_id) DO UPDATE
           SET secret_envelope = excluded.secret_envelope, last_step = excluded.last_step,
               created_at = excluded.created_at, last_used_at = NULL
        -- a row that was not there before has no deleting or locking transaction
        RETURNING user_id, xmax = 0 AS added
      ), counted AS (
        UPDATE users u SET second_factors = u.second_factors + 1 FROM put WHERE u.id = put.user_id AND put.added
      ), forgotten AS (
        UPDATE known_devices d SET remembered_until = NULL FROM put
         WHERE d.user_id = put.user_id AND NOT put.added AND remembered_until IS NOT NULL
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope)
        SELECT CASE WHEN added THEN ${added?.id}::uuid ELSE ${replaced?.id}::uuid END,
               CASE WHEN added THEN ${added?.envelope} ELSE ${replaced?.envelope} END
          FROM put
      )
      INSERT INTO audit_events (act, actor, target, address, factor, client_id, detail)
      SELECT CASE WHEN added THEN 'factor.add' ELSE 'factor.replace' END, ${by.id}, user_id, ${by.address},
             ${by.factor}, ${by.client ?? null}, '{"method":"totp"}'
        FROM put`);
  }

  /**
   * Uses the code of a time step up, unless it or a later one has been used (RFC 6238 §5.2): one statement decides,
   * whichever nodes it was brought to. An app that another has taken the place of meanwhile opens nothing.
   * @returns whether it was good
   */
  async use({ userId, envelope }: TotpApp, step: number): Promise<boolean> {
    const used = await this.database.query(sql`
      UPDATE totp_factors SET last_step = ${step}, last_used_at = ${this.clock.now()}
       WHERE user_id = ${userId} AND secret_envelope = ${envelope} AND last_step < ${step}
      RETURNING user_id`);
    return used.length > 0;
  }

  /** @returns whether there was one, and whether it is gone: the last factor stays while an organization asks for it, or the password is too short to stand alone */
  async remove(owner: FactorOwner, by: Actor): Promise<RemovalOutcome> {
    const notice = factorNotice(owner, { kind: 'totp-removed' }, this.configuration.issuer);
    const mail = this.mails.seal(notice);
    const removal = sql`
      WITH there AS (
        SELECT user_id FROM totp_factors WHERE user_id = ${owner.userId} FOR UPDATE
      ), counted AS (
        UPDATE users u SET second_factors = u.second_factors - 1 FROM there
         WHERE u.id = there.user_id
           AND (u.second_factors > 1
                OR u.password_short IS FALSE
                   AND NOT EXISTS (SELECT FROM memberships m JOIN organizations o ON o.id = m.organization_id
                                    WHERE m.user_id = u.id AND o.second_factor_required))
        RETURNING u.id, u.second_factors
      ), removed AS (
        DELETE FROM totp_factors t USING counted WHERE t.user_id = counted.id RETURNING t.user_id
      ), codes AS (
        DELETE FROM recovery_codes r USING counted WHERE r.user_id = counted.id AND counted.second_factors = 0
      ), forgotten AS (
        UPDATE known_devices d SET remembered_until = NULL FROM removed
         WHERE d.user_id = removed.user_id AND remembered_until IS NOT NULL
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${mail.id}, ${mail.envelope} FROM removed
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, address, factor, client_id, detail)
        SELECT 'factor.remove', ${by.id}, user_id, ${by.address}, ${by.factor}, ${by.client ?? null},
               '{"method":"totp"}' FROM removed
      )
      SELECT EXISTS (SELECT FROM there) AS there, EXISTS (SELECT FROM removed) AS removed`;
    return removeFactor(this.database, owner, removal);
  }
}
