import { Injectable } from '@nestjs/common';
import { Database, sql, type Transaction } from '#platform';

/** Somebody who may have left an organization; without one, any of theirs. */
export interface Departure {
  readonly userId: string;
  readonly organizationId: string | null;
}

interface Gone {
  readonly userId: string;
  readonly organizationId: string;
}

/** Gives back what those hold who belong to an organization no more, or cannot sign in any more. */
@Injectable()
export class SeatReleaseRepository {
  constructor(private readonly database: Database) {}

  /**
   * Releases the seats and leases of these people, of whom some may still belong: then nothing happens.
   * @param transaction in which it has been read that they may have left
   */
  async releaseFor(departures: readonly Departure[], transaction: Transaction): Promise<void> {
    if (departures.length === 0) return;
    const gone = await transaction.query<Gone>(sql`
      WITH departure AS (
        SELECT DISTINCT * FROM unnest(${departures.map(({ userId }) => userId)}::uuid[],
                                      ${departures.map(({ organizationId }) => organizationId)}::uuid[])
                          AS departure (user_id, organization_id)
      ), possible AS (
        SELECT user_id, organization_id FROM departure WHERE organization_id IS NOT NULL
        UNION
        -- of who is disabled: wherever they belong, since a seat may be given to them in this moment, and whatever they hold
        SELECT user_id, memberships.organization_id FROM departure JOIN memberships USING (user_id)
         WHERE departure.organization_id IS NULL
        UNION
        SELECT user_id, licenses.organization_id
          FROM departure JOIN seat_assignments USING (user_id) JOIN licenses ON licenses.id = license_id
         WHERE departure.organization_id IS NULL AND released_at IS NULL
        UNION
        SELECT user_id, licenses.organization_id
          FROM departure JOIN seat_leases USING (user_id) JOIN licenses ON licenses.id = license_id
         WHERE departure.organization_id IS NULL
      )
      SELECT user_id AS "userId", organization_id AS "organizationId" FROM possible
       WHERE NOT EXISTS (SELECT FROM memberships JOIN users ON users.id = user_id
                          WHERE user_id = possible.user_id AND disabled_at IS NULL
                            AND memberships.organization_id = possible.organization_id)`);
    await release(gone, transaction);
  }

  /**
   * As `releaseFor`, of whoever holds anything without belonging: what was missed, or came about before anybody listened.
   * @param limit people of one call
   * @returns whether there may be more
   */
  async releaseForgotten(limit: number): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const gone = await transaction.query<Gone>(sql`
        SELECT user_id AS "userId", organization_id AS "organizationId"
          FROM (SELECT user_id, organization_id
                  FROM seat_assignments JOIN licenses ON licenses.id = license_id WHERE released_at IS NULL
                UNION
                SELECT user_id, organization_id
                  FROM seat_leases JOIN licenses ON licenses.id = license_id WHERE ended_at IS NULL) AS held
         WHERE NOT EXISTS (SELECT FROM memberships JOIN users ON users.id = user_id
                            WHERE user_id = held.user_id AND disabled_at IS NULL
                              AND memberships.organization_id = held.organization_id)
         LIMIT ${limit}`);
      await release(gone, transaction);
      return gone.length === limit;
    });
  }
}

/**
 * Under the locks that seats are given under, so that one that was being given meanwhile is seen. Whoever has come back
 * by then keeps what they have.
 */
async function release(gone: readonly Gone[], transaction: Transaction): Promise<void> {
  if (gone.length === 0) return;
  const userIds = gone.map(({ userId }) => userId);
  const organizationIds = gone.map(({ organizationId }) => organizationId);
  await transaction.query(sql`
    SELECT id FROM licenses WHERE organization_id = ANY (${organizationIds}::uuid[]) ORDER BY id FOR UPDATE`);
  await transaction.query(sql`
    WITH gone AS (
      SELECT user_id, organization_id
        FROM unnest(${userIds}::uuid[], ${organizationIds}::uuid[]) AS gone (user_id, organization_id)
       WHERE NOT EXISTS (SELECT FROM memberships JOIN users ON users.id = user_id
                          WHERE user_id = gone.user_id AND disabled_at IS NULL
                            AND memberships.organization_id = gone.organization_id)
    ), released AS (
      UPDATE seat_assignments AS seat SET released_at = statement_timestamp()
        FROM licenses JOIN gone USING (organization_id)
       WHERE licenses.id = seat.license_id AND seat.user_id = gone.user_id AND seat.released_at IS NULL
      RETURNING seat.license_id, organization_id, module_key, seat.user_id
    ), ended AS (
      DELETE FROM seat_leases AS lease USING licenses JOIN gone USING (organization_id)
       WHERE licenses.id = lease.license_id AND lease.user_id = gone.user_id
      RETURNING lease.license_id, organization_id, module_key, lease.user_id, device, fence
    ), raised AS (
      UPDATE organizations SET license_version = license_version + 1
       WHERE id IN (SELECT organization_id FROM released)
    ), told AS (
      INSERT INTO outbox (kind, subject, organization_id, facts)
      SELECT 'seat-released', user_id, organization_id,
             jsonb_build_object('license_id', license_id, 'module', module_key)
        FROM (SELECT license_id, module_key, user_id, organization_id FROM released
              UNION ALL SELECT license_id, module_key, user_id, organization_id FROM ended) AS freed
    )
    INSERT INTO audit_events (act, actor, target, organization_id, detail)
    SELECT 'seat.release', 'system', license_id, organization_id, jsonb_build_object('user', user_id) FROM released
    UNION ALL
    SELECT 'seat.release-lease', 'system', license_id, organization_id,
           jsonb_build_object('user', user_id, 'device', device, 'fence', fence)
      FROM ended`);
}
