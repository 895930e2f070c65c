import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import {
  Clock,
  Configuration,
  Database,
  isUniqueViolation,
  MailSealer,
  randomUUID,
  sql,
  type SealedMail,
} from '#platform';
import type { FactorOwner, PasskeyRefusal } from './factor.js';
import { factorNotice, type FactorChange } from './factor-mails.js';
import { removeFactor, type RemovalOutcome } from './factor-removal.repository.js';

/** Of one person; more than anybody has, and few enough to list. */
export const MOST_FACTORS = 20;

export interface Credential {
  /** Of the row. */
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  /** base64url, as the authenticator names it */
  readonly credentialId: string;
  /** COSE */
  readonly publicKey: Buffer;
  readonly transports: readonly string[];
  readonly synced: boolean;
}

export interface NewPasskey extends Pick<Credential, 'credentialId' | 'transports' | 'synced'> {
  readonly publicKey: Uint8Array;
  readonly signatureCount: number;
  readonly name: string;
}

/** The public keys of passkeys. */
@Injectable()
export class PasskeyRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly mails: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  /** Of somebody who may sign in; undefined when nobody has it. */
  async find(credentialId: string): Promise<Credential | undefined> {
    const [row] = await this.database.query<Credential>(sql`
      SELECT p.id, p.user_id AS "userId", u.email, p.credential_id AS "credentialId", p.public_key AS "publicKey",
             p.transports, p.synced
        FROM passkeys p JOIN users u ON u.id = p.user_id AND u.disabled_at IS NULL
       WHERE p.credential_id = ${credentialId}`);
    return row;
  }

  async of(userId: string): Promise<Pick<Credential, 'credentialId' | 'transports'>[]> {
    return this.database.query(sql`
      SELECT credential_id AS "credentialId", transports FROM passkeys WHERE user_id = ${userId} ORDER BY created_at`);
  }

  /** @returns false when there are as many as there may be, or somebody has this one */
  async add(owner: FactorOwner, passkey: NewPasskey, by: Actor): Promise<boolean> {
    const { credentialId, publicKey, signatureCount, transports, synced, name } = passkey;
    const mail = this.notice(owner, { kind: 'passkey-added', name });
    const statement = sql`
      WITH counted AS (
        UPDATE users SET second_factors = second_factors + 1
         WHERE id = ${owner.userId} AND second_factors < ${MOST_FACTORS}
           AND NOT EXISTS (SELECT FROM passkeys WHERE credential_id = ${credentialId})
        RETURNING id
      ), added AS (
        INSERT INTO passkeys (id, user_id, credential_id, public_key, signature_count, transports, synced, name,
                              created_at)
        SELECT ${randomUUID()}, id, ${credentialId}, ${Buffer.from(publicKey)}, ${signatureCount}, ${transports},
               ${synced}, ${name}, ${this.clock.now()}
          FROM counted
        RETURNING user_id
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${mail.id}, ${mail.envelope} FROM added
      )
      INSERT INTO audit_events (act, actor, target, address, factor, client_id, detail)
      SELECT 'factor.add', ${by.id}, user_id, ${by.address}, ${by.factor}, ${by.client ?? null},
             jsonb_build_object('method', 'passkey', 'name', ${name}::text)
        FROM added
      RETURNING id`;
    try {
      return (await this.database.query(statement)).length > 0;
    } catch (error) {
      // another account was adding it at the same moment
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  /**
   * Notes a use. A counter that does not grow tells of a copy of the key (Web Authentication §6.1.1): the use is
   * refused and on record; authenticators without a counter always say 0. @returns whether the use was good
   */
  async use(credential: Credential, count: number, by: Actor): Promise<boolean> {
    const { id, userId } = credential;
    const [outcome] = await this.database.query<{ used: boolean }>(sql`
      WITH used AS (
        UPDATE passkeys SET signature_count = ${count}, last_used_at = ${this.clock.now()}
         WHERE id = ${id} AND (signature_count < ${count} OR signature_count = 0 AND ${count}::bigint = 0)
        RETURNING id
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, address, factor, client_id, result, detail)
        SELECT 'factor.counter-regress', ${by.id}, ${userId}, ${by.address}, ${by.factor}, ${by.client ?? null},
               'failure',
               jsonb_build_object('method', 'passkey', 'name', name, 'known', signature_count,
                                  'presented', ${count}::bigint)
          FROM passkeys WHERE id = ${id} AND NOT EXISTS (SELECT FROM used)
      )
      SELECT EXISTS (SELECT FROM used) AS used`);
    return outcome?.used ?? false;
  }

  /**
   * A passkey that signed nobody in, in the audit: whose it is, where that is known, and why.
   * @param unwritten how many failures there were before this one that are not in the audit
   */
  async auditRefusal({ userId, reason }: PasskeyRefusal, address: string, unwritten: number): Promise<void> {
    await this.database.query(sql`
      INSERT INTO audit_events (act, actor, target, address, result, detail)
      VALUES ('sign-in', 'anonymous', ${userId ?? 'anonymous'}, ${address}, 'failure', jsonb_strip_nulls(
                jsonb_build_object('method', 'passkey', 'reason', ${reason}::text,
                                   'unwritten', nullif(${unwritten}::int, 0))))`);
  }

  /** @returns false when the person has no such passkey */
  async rename(owner: FactorOwner, id: string, name: string, by: Actor): Promise<boolean> {
    const mail = this.notice(owner, { kind: 'passkey-renamed', name });
    const [outcome] = await this.database.query<{ there: boolean }>(sql`
      WITH renamed AS (
        UPDATE passkeys SET name = ${name} WHERE id = ${id} AND user_id = ${owner.userId} AND name <> ${name}
        RETURNING user_id
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${mail.id}, ${mail.envelope} FROM renamed
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, address, factor, client_id, detail)
        SELECT 'factor.rename', ${by.id}, user_id, ${by.address}, ${by.factor}, ${by.client ?? null},
               jsonb_build_object('method', 'passkey', 'name', ${name}::text)
          FROM renamed
      )
      SELECT EXISTS (SELECT FROM passkeys WHERE id = ${id} AND user_id = ${owner.userId}) AS there`);
    return outcome?.there ?? false;
  }

  /**
   * @returns whether there was one, and whether it is gone: the last factor stays while an organization asks for it,
   * or the password is too short to stand alone, and the last passkey of who has no password
   */
  async remove(owner: FactorOwner, id: string, by: Actor): Promise<RemovalOutcome> {
    const name = await this.nameOf(owner.userId, id);
    if (name === undefined) return { there: false, removed: false };
    const mail = this.notice(owner, { kind: 'passkey-removed', name });
    const removal = sql`
      WITH there AS (
        SELECT id, user_id FROM passkeys WHERE id = ${id} AND user_id = ${owner.userId} FOR UPDATE
      ), counted AS (
        UPDATE users u SET second_factors = u.second_factors - 1 FROM there
         WHERE u.id = there.user_id
           AND (u.second_factors > 1
                OR u.password_short IS FALSE
                   AND NOT EXISTS (SELECT FROM memberships m JOIN organizations o ON o.id = m.organization_id
                                    WHERE m.user_id = u.id AND o.second_factor_required))
           AND (u.password_hash IS NOT NULL
                OR EXISTS (SELECT FROM passkeys other WHERE other.user_id = u.id AND other.id <> there.id))
        RETURNING u.id, u.second_factors
      ), removed AS (
        DELETE FROM passkeys p USING counted WHERE p.id = ${id} AND p.user_id = counted.id RETURNING p.user_id
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
               jsonb_build_object('method', 'passkey', 'name', ${name}::text)
          FROM removed
      )
      SELECT EXISTS (SELECT FROM there) AS there, EXISTS (SELECT FROM removed) AS removed`;
    return removeFactor(this.database, owner, removal);
  }

  private async nameOf(userId: string, id: string): Promise<string | undefined> {
    const [row] = await this.database.query<{ name: string }>(sql`
      SELECT name FROM passkeys WHERE id = ${id} AND user_id = ${userId}`);
    return row?.name;
  }

  private notice(owner: FactorOwner, change: FactorChange): SealedMail {
    return this.mails.seal(factorNotice(owner, change, this.configuration.issuer));
  }
}
