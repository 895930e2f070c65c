import { Injectable } from '@nestjs/common';
import type { JWK } from 'jose';
import { Database, sql } from '#platform';

export interface KeyRow {
  kid: string;
  purpose: 'signing' | 'mac';
  algorithm: string;
  public_jwk: JWK | null;
  secret_envelope: string;
  retired_at: Date | null;
}

@Injectable()
export class KeyRepository {
  constructor(private readonly database: Database) {}

  /** Every key that signs or may still verify, newest first. */
  async all(): Promise<KeyRow[]> {
    return this.database.query<KeyRow>(sql`
      SELECT kid, purpose, algorithm, public_jwk, secret_envelope, retired_at
        FROM keys ORDER BY created_at DESC, kid`);
  }

  /** Adds a key unless its purpose and algorithm have an active one: of several nodes that start at once, one wins. */
  async addIfNone(key: Omit<KeyRow, 'retired_at'>, now: Date): Promise<void> {
    await this.database.query(sql`
      WITH added AS (
        INSERT INTO keys (kid, purpose, algorithm, public_jwk, secret_envelope, created_at)
        VALUES (${key.kid}, ${key.purpose}, ${key.algorithm}, ${key.public_jwk}, ${key.secret_envelope}, ${now})
        ON CONFLICT (purpose, algorithm) WHERE retired_at IS NULL DO NOTHING
        RETURNING kid
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'keys-changed', kid FROM added
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'key.create', 'system', kid FROM added`);
  }
}
