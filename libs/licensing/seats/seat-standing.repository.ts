import type { LicenseStatus, SeatModel } from '@core-auth/module-kit/licensing';
import { sql, type Transaction } from '#platform';
import {
  isUuid,
  seatsInUse,
  seatsToCool,
  unknownLicense,
  type CoolingSeat,
  type SeatStanding,
} from './seat.js';

/** A license as it stands for somebody who wants a seat of it. */
export interface StandingFor extends SeatStanding {
  /** Belongs to the organization, and can sign in. */
  readonly member: boolean;
  /** The seat that this person holds already. */
  readonly seatId: string | null;
  /** The organization's license version. */
  readonly version: number;
}

interface Comer {
  readonly userId?: string;
  /** Of the reservation that the seat is taken for: it does not count against itself. */
  readonly invitationId?: string;
  /** At which the person holds a lease that the new one replaces. */
  readonly device?: string;
  /** Whether the seat may be one of named seats that are to come, where those of the moment are none. */
  readonly ahead?: boolean;
}

interface Row {
  status: LicenseStatus;
  time: SeatStanding['time'];
  model: SeatModel;
  limit: number | null;
  active: number;
  reserved: number;
  leased: number;
  offline: number;
  cooling: number;
  member: boolean;
  seat_id: string | null;
  version: string;
}

/**
 * Takes the locks that everything about an organization's seats is decided under: its licenses in id order, the
 * organization afterwards. What is read by later statements of the transaction is what those before have committed.
 * @throws PublicError 404 `unknown_license`
 */
export async function lockLicensesBeside(transaction: Transaction, licenseId: string): Promise<void> {
  if (!isUuid(licenseId)) throw unknownLicense();
  const locked = await transaction.query(sql`
    SELECT id FROM licenses
     WHERE organization_id = (SELECT organization_id FROM licenses WHERE id = ${licenseId})
     ORDER BY id FOR UPDATE`);
  if (locked.length === 0) throw unknownLicense();
}

/**
 * What has expired by the database's clock holds no seat any more; under `lockLicensesBeside`, before `seatStanding`
 * counts what is left. Dropping waits for a heartbeat of the row that is under way, so that no lease is both counted
 * out and prolonged. The row of a lease stays for a while, for its holder to be told that it has expired.
 */
export async function dropExpired(transaction: Transaction, licenseId: string): Promise<void> {
  await transaction.query(sql`
    WITH reservations AS (
      DELETE FROM seat_reservations WHERE license_id = ${licenseId} AND expires_at <= statement_timestamp()
    )
    UPDATE seat_leases SET ended_at = statement_timestamp()
     WHERE license_id = ${licenseId} AND expires_at <= statement_timestamp() AND ended_at IS NULL`);
}

/**
 * What a license has and what is held of it, by the database's clock and the terms that hold at this moment (before
 * the start: those that it starts with). Under `lockLicensesBeside` the answer stays true until the transaction ends.
 * A lease that has expired holds its seat until it is dropped.
 * @param comer for whom one more is counted: what the comer holds or may come back to is not counted against them
 * @throws PublicError 404 `unknown_license`
 */
export async function seatStanding(
  transaction: Transaction,
  licenseId: string,
  { userId, invitationId, device, ahead = false }: Comer = {},
): Promise<StandingFor> {
  const comer = userId ?? null;
  // statement_timestamp(), not now(): terms may have changed while the transaction waited for the locks; nor
  // clock_timestamp(): one count is made at one instant
  const [row] = await transaction.query<Row>(sql`
    SELECT status, coalesce(coming.seat_model, terms.seat_model) AS model,
           coalesce(coming.seat_limit, terms.seat_limit) AS limit, license_version AS version,
           CASE WHEN statement_timestamp() < starts_at THEN 'scheduled'
                WHEN statement_timestamp() >= ends_at + make_interval(hours => 24 * grace_days) THEN 'over'
                ELSE 'running' END AS time,
           EXISTS (SELECT FROM memberships JOIN users ON users.id = user_id
                    WHERE user_id = ${comer}::uuid AND organization_id = licenses.organization_id
                      AND disabled_at IS NULL) AS member,
           (SELECT seat.id FROM seat_assignments AS seat
             WHERE license_id = licenses.id AND user_id = ${comer}::uuid AND released_at IS NULL) AS seat_id,
           (SELECT count(*)::int FROM seat_assignments
             WHERE license_id = licenses.id AND released_at IS NULL) AS active,
           (SELECT count(*)::int FROM seat_reservations
             WHERE license_id = licenses.id AND expires_at > statement_timestamp()
               AND invitation_id IS DISTINCT FROM ${invitationId ?? null}::uuid) AS reserved,
           (SELECT count(*)::int FROM seat_leases
             WHERE license_id = licenses.id AND ended_at IS NULL
               AND NOT coalesce(user_id = ${comer}::uuid AND device = ${device ?? null}::text, false)) AS leased,
           (SELECT coalesce(sum(seat_block), 0)::int FROM offline_grants
             WHERE license_id = licenses.id AND returned_at IS NULL
               AND expires_at > statement_timestamp()) AS offline,
           -- a person leaves one seat behind, however often they came and went
           (SELECT count(DISTINCT user_id)::int FROM seat_assignments AS freed
             WHERE license_id = licenses.id
               AND released_at > statement_timestamp() - make_interval(secs => seat_cooldown_seconds)
               AND user_id IS DISTINCT FROM ${comer}::uuid
               AND NOT EXISTS (SELECT FROM seat_assignments AS held
                                WHERE held.license_id = freed.license_id AND held.user_id = freed.user_id
                                  AND held.released_at IS NULL)) AS cooling
      FROM licenses
      JOIN organizations ON organizations.id = organization_id
      CROSS JOIN LATERAL (
        SELECT seat_model, seat_limit FROM license_terms
         WHERE license_id = licenses.id AND effective_at <= greatest(statement_timestamp(), starts_at)
         ORDER BY effective_at DESC LIMIT 1) AS terms
      LEFT JOIN LATERAL (
        SELECT seat_model, seat_limit FROM license_terms
         WHERE ${ahead}::boolean AND terms.seat_model <> 'named'
           AND license_id = licenses.id AND effective_at > greatest(statement_timestamp(), starts_at)
           AND seat_model = 'named'
         ORDER BY effective_at LIMIT 1) AS coming ON true
     WHERE licenses.id = ${licenseId}`);
  if (!row) throw unknownLicense();
  const { seat_id: seatId, version, ...rest } = row;
  const counted = { ...rest, inUse: seatsInUse(row.model, row) };
  const cooledAt = await whenCooled(transaction, licenseId, seatsToCool(counted), comer);
  return { ...counted, seatId, version: Number(version), cooledAt };
}

/**
 * When so many seats of a license have cooled off that do now.
 * @param besides whose seat does not count
 * @returns null when not so many cool, or none has to
 */
export async function whenCooled(
  transaction: Transaction,
  licenseId: string,
  seats: number,
  besides: string | null = null,
): Promise<Date | null> {
  if (seats <= 0) return null;
  const [last] = await coolingSeats(transaction, licenseId, { besides, skip: seats - 1, limit: 1 });
  return last?.until ?? null;
}

/** The seats of a license that cool, the first that is free for anybody first. */
export async function coolingSeats(
  transaction: Transaction,
  licenseId: string,
  {
    besides = null,
    skip = 0,
    limit = null,
  }: { besides?: string | null; skip?: number; limit?: number | null } = {},
): Promise<CoolingSeat[]> {
  return transaction.query(sql`
    SELECT user_id AS "userId", max(released_at) + make_interval(secs => seat_cooldown_seconds) AS until
      FROM seat_assignments AS freed JOIN licenses ON licenses.id = license_id
     WHERE license_id = ${licenseId}
       AND released_at > statement_timestamp() - make_interval(secs => seat_cooldown_seconds)
       AND user_id IS DISTINCT FROM ${besides}::uuid
       AND NOT EXISTS (SELECT FROM seat_assignments AS held
                        WHERE held.license_id = freed.license_id AND held.user_id = freed.user_id
                          AND held.released_at IS NULL)
     GROUP BY user_id, seat_cooldown_seconds
     ORDER BY until, user_id OFFSET ${skip} LIMIT ${limit}`);
}
