import { Injectable } from '@nestjs/common';
import { Database, sql } from '#platform';
import type { FactorList } from './factor.js';

interface FactorsRow {
  totp_created_at: Date | null;
  totp_used_at: Date | null;
  passkeys: { id: string; name: string; synced: boolean; created_at: string; last_used_at: string | null }[];
  codes_left: number;
}

/** What people have besides a password. */
@Injectable()
export class FactorRepository {
  constructor(private readonly database: Database) {}

  /** Whether signing in with a password asks this person for more. */
  async hasSecondFactor(userId: string): Promise<boolean> {
    const [row] = await this.database.query<{ has: boolean }>(sql`
      SELECT second_factors > 0 AS has FROM users WHERE id = ${userId}`);
    return row?.has ?? false;
  }

  /**
   * Whether the password is too short for who has no second factor, and there is one left. `assumed` while nobody knows
   * how long it is.
   */
  async leansOnLast(userId: string): Promise<boolean | 'assumed'> {
    const [row] = await this.database.query<{ short: boolean | null }>(sql`
      SELECT password_short AS short FROM users WHERE id = ${userId} AND second_factors = 1`);
    return row?.short === null ? 'assumed' : (row?.short ?? false);
  }

  async of(userId: string): Promise<FactorList> {
    const [row] = await this.database.query<FactorsRow>(sql`
      SELECT t.created_at AS totp_created_at, t.last_used_at AS totp_used_at,
             (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'synced', synced, 'created_at',
                       created_at, 'last_used_at', last_used_at) ORDER BY created_at, id), '[]')
                FROM passkeys WHERE user_id = u.id) AS passkeys,
             (SELECT count(*)::int FROM recovery_codes WHERE user_id = u.id AND used_at IS NULL) AS codes_left
        FROM users u LEFT JOIN totp_factors t ON t.user_id = u.id
       WHERE u.id = ${userId}`);
    return {
      totp: row?.totp_created_at
        ? { createdAt: row.totp_created_at, lastUsedAt: row.totp_used_at ?? undefined }
        : undefined,
      passkeys: (row?.passkeys ?? []).map(({ id, name, synced, created_at, last_used_at }) => ({
        id,
        name,
        synced,
        createdAt: new Date(created_at),
        lastUsedAt: last_used_at === null ? undefined : new Date(last_used_at),
      })),
      recoveryCodesLeft: row?.codes_left ?? 0,
    };
  }

  /** The organizations of a person that ask for a second factor, by name. */
  async organizationsThatRequire(userId: string): Promise<string[]> {
    const rows = await this.database.query<{ name: string }>(sql`
      SELECT o.name FROM memberships m JOIN organizations o ON o.id = m.organization_id
       WHERE m.user_id = ${userId} AND o.second_factor_required ORDER BY o.name`);
    return rows.map(({ name }) => name);
  }
}
