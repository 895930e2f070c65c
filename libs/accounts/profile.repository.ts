import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Database, PublicError, sql } from '#platform';
import { nameProblem, normalizeName } from './person-name.js';

/** What an account says of its person. */
export interface Profile {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly emailVerified: boolean;
  /** When the account is removed; null while nobody asked for that. */
  readonly deletionAt: Date | null;
}

/** What people are called, by themselves. */
@Injectable()
export class ProfileRepository {
  constructor(private readonly database: Database) {}

  async find(userId: string): Promise<Profile | undefined> {
    const [row] = await this.database.query<Profile>(sql`
      SELECT id, name, email, email_verified_at IS NOT NULL AS "emailVerified", deletion_at AS "deletionAt"
        FROM users WHERE id = ${userId}`);
    return row;
  }

  /**
   * Everything that shows the name asks for it, or gets it with the next token.
   * @returns whether this call changed anything
   * @throws PublicError 400 `invalid_name`
   */
  async rename(userId: string, name: string, by: Actor): Promise<boolean> {
    const problem = nameProblem(name);
    if (problem !== undefined) throw new PublicError(400, 'invalid_name', problem);
    const changed = await this.database.query(sql`
      WITH changed AS (
        UPDATE users SET name = ${normalizeName(name)} WHERE id = ${userId} AND name <> ${normalizeName(name)}
        RETURNING id
      )
      INSERT INTO audit_events (act, actor, target, address, factor, client_id)
      SELECT 'user.rename', ${by.id}, id, ${by.address}, ${by.factor}, ${by.client ?? null} FROM changed
      RETURNING id`);
    return changed.length > 0;
  }
}
