import { Injectable } from '@nestjs/common';
import { Database, sha256, sql } from '#platform';

/** Whose identifiers they are: those of proofs by key, those of assertions by client. */
export type JtiContext = 'dpop' | 'client_assertion';

/** Identifiers that count once, on all nodes together. */
@Injectable()
export class UsedJtiRepository {
  constructor(private readonly database: Database) {}

  /**
   * @param owner the key or the client within which `jti` is unique
   * @param expiresAt when what carries it is refused anyway
   * @returns false when it has been used before
   */
  async use(context: JtiContext, owner: string, jti: string, expiresAt: Date): Promise<boolean> {
    const digest = sha256(JSON.stringify([owner, jti]));
    const rows = await this.database.query(sql`
      INSERT INTO used_jtis (context, jti_sha256, expires_at) VALUES (${context}, ${digest}, ${expiresAt})
      ON CONFLICT (context, jti_sha256) DO NOTHING
      RETURNING 1`);
    return rows.length > 0;
  }
}
