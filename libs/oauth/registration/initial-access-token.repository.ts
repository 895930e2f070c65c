import { Clock, Database, randomSecret, randomUUID, sha256, sql } from '#platform';

export interface NewInitialAccessToken {
  readonly id: string;
  /** Shown once: only its digest is kept. */
  readonly token: string;
}

export interface InitialAccessToken {
  readonly id: string;
  readonly usesLeft: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Initial access tokens (RFC 7591 §1.2), which let their bearer register clients. */
export class InitialAccessTokenRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async create(uses: number, expiresAt: Date, actor: string): Promise<NewInitialAccessToken> {
    const created = { id: randomUUID(), token: randomSecret() };
    await this.database.query(sql`
      WITH created AS (
        INSERT INTO initial_access_tokens (id, token_sha256, uses_left, created_at, expires_at)
        VALUES (${created.id}, ${sha256(created.token)}, ${uses}, ${this.clock.now()}, ${expiresAt})
        RETURNING id, uses_left, expires_at
      )
      INSERT INTO audit_events (act, actor, target, detail)
      SELECT 'initial-access-token.create', ${actor}::text, id,
             jsonb_build_object('uses', uses_left, 'expires_at', expires_at) FROM created`);
    return created;
  }

  /** Those that still let somebody register. */
  async list(): Promise<InitialAccessToken[]> {
    return this.database.query(sql`
      SELECT id, uses_left AS "usesLeft", created_at AS "createdAt", expires_at AS "expiresAt"
        FROM initial_access_tokens WHERE expires_at > ${this.clock.now()} AND uses_left > 0 ORDER BY created_at, id`);
  }

  /** @returns false when there is none of this id */
  async revoke(id: string, actor: string): Promise<boolean> {
    const revoked = await this.database.query(sql`
      WITH revoked AS (DELETE FROM initial_access_tokens WHERE id = ${id} RETURNING id)
      INSERT INTO audit_events (act, actor, target)
      SELECT 'initial-access-token.revoke', ${actor}::text, id FROM revoked RETURNING target`);
    return revoked.length > 0;
  }
}
