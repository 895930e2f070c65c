import { Injectable } from '@nestjs/common';
import { Database, sql } from '#platform';

/** Tokens that were revoked one by one: those of machines, and those that were exchanged. */
@Injectable()
export class RevokedTokenRepository {
  constructor(private readonly database: Database) {}

  async revoke(jti: string, expiresAt: Date, owner: string): Promise<void> {
    await this.database.query(sql`
      WITH revoked AS (
        INSERT INTO revoked_tokens (jti, expires_at) VALUES (${jti}, ${expiresAt})
        ON CONFLICT (jti) DO NOTHING
        RETURNING jti
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'token-revoked', jti FROM revoked
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'token.revoke', ${owner}::text, jti FROM revoked`);
  }

  /**
   * What stands behind a machine's token that still counts: no token and no client that it stands on has been ended.
   * @returns undefined when one has
   */
  async liveMachine(
    jtis: readonly string[],
    clientIds: readonly string[],
  ): Promise<{ readonly trusted: boolean } | undefined> {
    const [row] = await this.database.query<{ trusted: boolean }>(sql`
      SELECT bool_and(c.first_party AND c.source = 'administrator' AND c.organization_id IS NULL) AS trusted
        FROM clients c
       WHERE c.id = ANY (${clientIds}::text[]) AND c.disabled_at IS NULL
         AND NOT EXISTS (SELECT FROM revoked_tokens r WHERE r.jti = ANY (${jtis}::text[]))
      HAVING count(*) = ${clientIds.length}::int`);
    return row;
  }
}
