import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Clock, Configuration, Database, MailSealer, sql } from '#platform';
import type { FactorOwner } from './factor.js';
import { factorNotice } from './factor-mails.js';
import {
  newRecoveryCode,
  readRecoveryCode,
  RECOVERY_CODE_COUNT,
  recoveryCodeDigest,
} from './recovery-code.js';

/** Codes on paper for who has lost every other factor. */
@Injectable()
export class RecoveryCodeRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly mails: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  /**
   * New codes in place of all that there were; they are nowhere but in the answer.
   * @returns none for who has no factor that they could stand in for
   */
  async replace(owner: FactorOwner, by: Actor): Promise<readonly string[]> {
    return this.make(owner, by, 'in-place-of-others');
  }

  /**
   * Codes for who has none left. Of two factors that are added at one moment one brings them; the mail about the
   * factor tells of them too.
   * @returns none for who has some, or no factor that they could stand in for
   */
  async first(owner: FactorOwner, by: Actor): Promise<readonly string[]> {
    return this.make(owner, by, 'unless-there-are-some');
  }

  /** Uses a code up, wherever else it is brought to at the same time. @returns whether it was good */
  async use(owner: FactorOwner, code: string, by: Actor): Promise<boolean> {
    const notice = factorNotice(owner, { kind: 'recovery-code-used' }, this.configuration.issuer);
    const mail = this.mails.seal(notice);
    const used = await this.database.query(sql`
      WITH used AS (
        UPDATE recovery_codes SET used_at = ${this.clock.now()}
         WHERE user_id = ${owner.userId} AND code_sha256 = ${recoveryCodeDigest(owner.userId, code)}
           AND used_at IS NULL
        RETURNING user_id
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${mail.id}, ${mail.envelope} FROM used
      )
      INSERT INTO audit_events (act, actor, target, address, factor, client_id)
      SELECT 'factor.use-recovery-code', ${by.id}, user_id, ${by.address}, ${by.factor}, ${by.client ?? null}
        FROM used
      RETURNING id`);
    return used.length > 0;
  }

  private async make(
    owner: FactorOwner,
    by: Actor,
    when: 'in-place-of-others' | 'unless-there-are-some',
  ): Promise<readonly string[]> {
    const { userId } = owner;
    const codes = Array.from({ length: RECOVERY_CODE_COUNT }, newRecoveryCode);
    const digests = codes.map((code) => recoveryCodeDigest(userId, readRecoveryCode(code) ?? ''));
    const mail = this.mails.seal(
      factorNotice(owner, { kind: 'recovery-codes-made' }, this.configuration.issuer),
    );
    return this.database.transaction(async (transaction) => {
      // who makes codes in two tabs gets two lists one after the other, of which the second holds
      const [person] = await transaction.query(sql`
        SELECT id FROM users WHERE id = ${userId} AND second_factors > 0 FOR UPDATE`);
      if (!person) return [];
      // by a statement of its own, which sees what was made while the lock was waited for
      const [left] = await transaction.query(sql`
        SELECT FROM recovery_codes WHERE user_id = ${userId} AND used_at IS NULL LIMIT 1`);
      if (left && when === 'unless-there-are-some') return [];
      await transaction.query(sql`
        WITH dropped AS (
          DELETE FROM recovery_codes WHERE user_id = ${userId}
        ), added AS (
          INSERT INTO recovery_codes (user_id, code_sha256, created_at)
          SELECT ${userId}, digest, ${this.clock.now()} FROM unnest(${digests}::bytea[]) AS digest
        ), mailed AS (
          INSERT INTO mails (id, mail_envelope)
          SELECT ${mail.id}::uuid, ${mail.envelope}::text WHERE ${when === 'in-place-of-others'}::boolean
        )
        INSERT INTO audit_events (act, actor, target, address, factor, client_id)
        VALUES ('factor.make-recovery-codes', ${by.id}, ${userId}, ${by.address}, ${by.factor},
                ${by.client ?? null})`);
      return codes;
    });
  }
}
