import { Injectable } from '@nestjs/common';
import type { JWK } from 'jose';
import { Database, sql } from '#platform';
import type { KeyAlgorithm, KeyKind, KeyPurpose, KeyTimes } from './key-lifecycle.js';

/** A key that has just been made. */
export interface NewKey extends KeyKind {
  readonly kid: string;
  readonly publicJwk: JWK | null;
  readonly secretEnvelope: string;
}

export interface StoredKey extends NewKey, KeyTimes {
  readonly createdAt: Date;
}

interface Row {
  kid: string;
  purpose: KeyPurpose;
  algorithm: KeyAlgorithm;
  number: number;
  public_jwk: JWK | null;
  secret_envelope: string;
  created_at: Date;
  signs_from: Date;
  verifies_until: Date | null;
}

@Injectable()
export class KeyRepository {
  constructor(private readonly database: Database) {}

  /** Every key that signs, will sign or may still verify; of each kind the newest first. */
  async all(): Promise<StoredKey[]> {
    const rows = await this.database.query<Row>(sql`
      SELECT kid, purpose, algorithm, number, public_jwk, secret_envelope, created_at, signs_from, verifies_until
        FROM keys ORDER BY purpose DESC, algorithm, number DESC`);
    return rows.map((row) => ({
      kid: row.kid,
      purpose: row.purpose,
      algorithm: row.algorithm,
      number: row.number,
      publicJwk: row.public_jwk,
      secretEnvelope: row.secret_envelope,
      createdAt: row.created_at,
      signsFrom: row.signs_from,
      verifiesUntil: row.verifies_until,
    }));
  }

  /** Adds a key that signs at once, unless its kind has one: of several nodes that start at once, one wins. */
  async addFirst(key: NewKey, now: Date): Promise<void> {
    await this.database.query(sql`
      WITH added AS (
        INSERT INTO keys (kid, purpose, algorithm, number, public_jwk, secret_envelope, created_at, signs_from)
        SELECT ${key.kid}::text, ${key.purpose}::text, ${key.algorithm}::text, coalesce(max(number), 0) + 1,
               ${key.publicJwk}::jsonb, ${key.secretEnvelope}::text, ${now}::timestamptz, ${now}::timestamptz
          FROM keys WHERE purpose = ${key.purpose} AND algorithm = ${key.algorithm}
        HAVING coalesce(bool_and(verifies_until IS NOT NULL), true)
        ON CONFLICT (purpose, algorithm, number) DO NOTHING
        RETURNING kid
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'keys-changed', kid FROM added
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'key.create', 'system', kid FROM added`);
  }

  /**
   * Publishes a successor of the newest key of its kind, if that one has signed since `signingSince`. Whoever gives the
   * newest key its end publishes; all others, whichever node they run on, find that it has one.
   * @returns whether it was this call
   */
  async publish(
    key: NewKey,
    times: { now: Date; signsFrom: Date; predecessorUntil: Date; signingSince: Date },
    actor: string,
  ): Promise<boolean> {
    const added = await this.database.query(sql`
      WITH retired AS (
        UPDATE keys SET verifies_until = ${times.predecessorUntil}
         WHERE purpose = ${key.purpose} AND algorithm = ${key.algorithm}
           AND verifies_until IS NULL AND signs_from <= ${times.signingSince}
        RETURNING number
      ), added AS (
        INSERT INTO keys (kid, purpose, algorithm, number, public_jwk, secret_envelope, created_at, signs_from)
        SELECT ${key.kid}::text, ${key.purpose}::text, ${key.algorithm}::text, number + 1, ${key.publicJwk}::jsonb,
               ${key.secretEnvelope}::text, ${times.now}::timestamptz, ${times.signsFrom}::timestamptz
          FROM retired
        RETURNING kid
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'keys-changed', kid FROM added
      ), audited AS (
        INSERT INTO audit_events (act, actor, target) SELECT 'key.publish', ${actor}::text, kid FROM added
      )
      SELECT kid FROM added`);
    return added.length > 0;
  }

  /**
   * Puts `successor` in the place of a key by which nothing may be verified any longer. Where that one signed, it signs
   * at once by every node's clock, since `signs_from` stays; where that one was only published, it is published anew.
   * A key that only verified is deleted. Two calls at once cannot both find it.
   */
  async revoke(
    kid: string,
    successor: NewKey,
    times: { now: Date; signsFrom: Date; predecessorUntil: Date },
    actor: string,
  ): Promise<'replaced' | 'deleted' | 'unknown'> {
    const [row] = await this.database.query<{ outcome: 'replaced' | 'deleted' }>(sql`
      WITH replaced AS (
        UPDATE keys k
           SET kid = ${successor.kid}, public_jwk = ${successor.publicJwk}::jsonb,
               secret_envelope = ${successor.secretEnvelope}, created_at = ${times.now},
               signs_from = CASE WHEN signs_from <= ${times.now} THEN signs_from
                                 ELSE ${times.signsFrom}::timestamptz END
         WHERE kid = ${kid}
           AND NOT EXISTS (SELECT FROM keys later
                            WHERE later.purpose = k.purpose AND later.algorithm = k.algorithm
                              AND later.number > k.number AND later.signs_from <= ${times.now})
        RETURNING purpose, algorithm, number, signs_from
      ), prolonged AS (
        -- who signs until the published key does has to verify as much longer as that one is later
        UPDATE keys k SET verifies_until = greatest(verifies_until, ${times.predecessorUntil}::timestamptz)
          FROM replaced r
         WHERE r.signs_from > ${times.now} AND k.purpose = r.purpose AND k.algorithm = r.algorithm
           AND k.number = (SELECT max(number) FROM keys
                            WHERE purpose = r.purpose AND algorithm = r.algorithm AND number < r.number)
      ), deleted AS (
        DELETE FROM keys k
         WHERE kid = ${kid}
           AND EXISTS (SELECT FROM keys later
                        WHERE later.purpose = k.purpose AND later.algorithm = k.algorithm
                          AND later.number > k.number AND later.signs_from <= ${times.now})
        RETURNING kid
      ), revoked AS (
        SELECT 'replaced' AS outcome FROM replaced UNION ALL SELECT 'deleted' FROM deleted
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'key-revoked', ${kid}::text FROM revoked
      ), audited AS (
        INSERT INTO audit_events (act, actor, target)
        SELECT 'key.revoke', ${actor}::text, ${kid}::text FROM revoked
        UNION ALL SELECT 'key.create', ${actor}::text, ${successor.kid}::text FROM replaced
      )
      SELECT outcome FROM revoked`);
    return row?.outcome ?? 'unknown';
  }

  /** Deletes up to `limit` keys that verify nothing any more; the nodes know that by the time alone. */
  async prune(now: Date, limit: number): Promise<void> {
    await this.database.query(sql`
      WITH deleted AS (
        DELETE FROM keys
         WHERE kid IN (SELECT kid FROM keys WHERE verifies_until < ${now} ORDER BY verifies_until LIMIT ${limit})
        RETURNING kid
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'key.delete', 'system', kid FROM deleted`);
  }
}
