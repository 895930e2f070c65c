import { Injectable } from '@nestjs/common';
import { Database, randomUUID, sql, type Transaction } from '#platform';
import { actorOf, type By } from '../by.js';
import { inBatches } from '../batches.js';
import { fullRefusal, isUuid, namedRefusal, notAMember, type AssignedSeat, type SeatWay } from './seat.js';
import { dropExpired, lockLicensesBeside, seatStanding } from './seat-standing.repository.js';

/**
 * The longest that a seat cools down, which is a year, and a month. The history of a license needs no such row: it is
 * read from the audit rows.
 */
const RELEASED_DAYS = 400;

/** Who wants which seat, and how they came to it. */
export interface SeatRequest {
  readonly licenseId: string;
  readonly userId: string;
  readonly way: SeatWay;
  /** Of the reservation that becomes the seat. */
  readonly invitationId?: string;
}

/** Who sits on what. Row locks are always taken licenses in id order first, organization last. */
@Injectable()
export class SeatRepository {
  constructor(private readonly database: Database) {}

  /**
   * The one way into a named seat; asking twice gives the same seat. An administrator assigns seats ahead too, where the
   * license is to have named ones from a later instant on: until then they let nobody in.
   * @param by who does it: a user id, a client id, or a word for the process (`seed`)
   * @param way at first use alone the license has to be in effect; all others may come before its start
   * @throws PublicError 403 `SEATS_EXHAUSTED`, `OVER_ALLOCATED`; 404 `unknown_license`; 409 `not_a_member`,
   * `no_seats` (the license is for everybody, or its seats float), `license_ended`, `license_not_in_effect`
   */
  async assignSeat(
    licenseId: string,
    userId: string,
    by: By,
    way: SeatWay = 'administrator',
  ): Promise<AssignedSeat> {
    return this.database.transaction(async (transaction) => {
      await lockLicensesBeside(transaction, licenseId);
      await dropExpired(transaction, licenseId);
      return assignUnderLock(transaction, { licenseId, userId, way }, by);
    });
  }

  /** Removes what is left of seats that were released long ago. @param limit rows of one statement */
  async prune(limit: number): Promise<void> {
    await inBatches(limit, () =>
      this.database.query(sql`
        DELETE FROM seat_assignments
         WHERE id IN (SELECT id FROM seat_assignments
                       WHERE released_at <= now() - make_interval(days => ${RELEASED_DAYS})
                       ORDER BY released_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
        RETURNING 1`),
    );
  }

  /** Frees the seat of a person at once. @returns whether this call did it */
  async releaseSeat(licenseId: string, userId: string, by: By): Promise<boolean> {
    const actor = actorOf(by);
    if (!isUuid(licenseId) || !isUuid(userId)) return false;
    const released = await this.database.query(sql`
      WITH released AS (
        UPDATE seat_assignments SET released_at = now() FROM licenses
         WHERE licenses.id = license_id
           AND license_id = ${licenseId} AND user_id = ${userId} AND released_at IS NULL
        RETURNING license_id, organization_id, module_key, user_id
      ), raised AS (
        UPDATE organizations SET license_version = license_version + 1 FROM released
         WHERE organizations.id = organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id, facts)
        SELECT 'seat-released', user_id, organization_id,
               jsonb_build_object('license_id', license_id, 'module', module_key)
          FROM released
      )
      INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
      SELECT 'seat.release', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
             license_id, organization_id, jsonb_build_object('user', user_id)
        FROM released
      RETURNING id`);
    return released.length > 0;
  }
}

/** As `assignSeat`, for who holds the locks of `lockLicensesBeside`. */
export async function assignUnderLock(
  transaction: Transaction,
  { licenseId, userId, way, invitationId }: SeatRequest,
  by: By,
): Promise<AssignedSeat> {
  const actor = actorOf(by);
  if (!isUuid(userId)) throw notAMember();
  const reserved = invitationId === undefined ? {} : { invitationId };
  const ahead = way === 'administrator';
  const standing = await seatStanding(transaction, licenseId, { userId, ahead, ...reserved });
  if (standing.seatId) return { seatId: standing.seatId, assigned: false, version: standing.version };
  const refusal = namedRefusal(standing, way) ?? (standing.member ? fullRefusal(standing) : notAMember());
  if (refusal) throw refusal;
  const seatId = randomUUID();
  const [raised] = await transaction.query<{ version: string }>(sql`
    WITH target AS (
      SELECT id, organization_id, module_key FROM licenses WHERE id = ${licenseId}
    ), assigned AS (
      INSERT INTO seat_assignments (id, license_id, user_id, assigned_at, way)
      SELECT ${seatId}, id, ${userId}, statement_timestamp(), ${way} FROM target
    ), told AS (
      INSERT INTO outbox (kind, subject, organization_id, facts)
      SELECT 'seat-assigned', ${userId}, organization_id,
             jsonb_build_object('license_id', id, 'module', module_key)
        FROM target
    ), audited AS (
      INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
      SELECT 'seat.assign', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null}, id, organization_id,
             jsonb_strip_nulls(jsonb_build_object('user', ${userId}::text, 'way', ${way}::text,
                                                  'invitation', ${invitationId ?? null}::text))
        FROM target
    )
    UPDATE organizations SET license_version = license_version + 1 FROM target
     WHERE organizations.id = organization_id
    RETURNING license_version AS version`);
  return { seatId, assigned: true, version: Number(raised?.version) };
}
