import { Injectable } from '@nestjs/common';
import { Database, sql } from '#platform';
import type { Administrator, Operator, Role } from './account.js';

/** Who administers what: operators everything, others what their role in an organization lets them. */
@Injectable()
export class AdministratorRepository {
  constructor(private readonly database: Database) {}

  /** What a person is at this moment; somebody who is disabled or unknown is nothing and belongs nowhere. */
  async find(userId: string): Promise<Administrator> {
    const [row] = await this.database.query<{ operator: boolean; roles: Record<string, Role> }>(sql`
      SELECT operator, (
               SELECT coalesce(jsonb_object_agg(organization_id, role), '{}')
                 FROM memberships WHERE user_id = users.id) AS roles
        FROM users WHERE id = ${userId} AND disabled_at IS NULL`);
    return { operator: row?.operator ?? false, roles: new Map(Object.entries(row?.roles ?? {})) };
  }

  /**
   * Makes somebody an operator, or takes it from them.
   * @param actor who does it: a user id, or a word for the process (`cli`)
   * @returns whether this call changed anything: false for who is so already, and for nobody we know
   */
  async setOperator(userId: string, operator: boolean, actor: string): Promise<boolean> {
    const changed = await this.database.query(sql`
      WITH changed AS (
        UPDATE users SET operator = ${operator} WHERE id = ${userId} AND operator <> ${operator}
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'operator-changed', id FROM changed
      )
      INSERT INTO audit_events (act, actor, target)
      SELECT ${operator ? 'operator.add' : 'operator.remove'}, ${actor}, id FROM changed
      RETURNING id`);
    return changed.length > 0;
  }

  /** Every operator, by e-mail address; those who are disabled too. */
  async operators(): Promise<Operator[]> {
    return this.database.query<Operator>(sql`
      SELECT email, name, disabled_at AS "disabledAt", second_factors > 0 AS "secondFactor"
        FROM users WHERE operator ORDER BY email`);
  }
}
