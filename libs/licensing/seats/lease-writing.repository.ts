import { sql, type Transaction } from '#platform';
import { actorOf, type By } from '../by.js';
import { fullRefusal, leaseRefusal, notAMember } from './seat.js';
import { seatStanding } from './seat-standing.repository.js';

/** Who works with which license, at what. */
export interface LeaseHolder {
  readonly licenseId: string;
  readonly userId: string;
  /** What the person works at, 1 to 128 characters; the same person at two devices holds two leases. */
  readonly device: string;
}

export interface LeaseRow {
  fence: string;
  expires_at: Date;
  lease_seconds: number;
}

/**
 * Holds what is held for one more term; never shorter than it was held already.
 * @param fence of the lease; whichever it is unless told
 */
export async function prolong(
  on: Transaction,
  { licenseId, userId, device }: LeaseHolder,
  fence: number | null = null,
): Promise<LeaseRow | undefined> {
  // statement_timestamp(), not now(): a transaction has waited for its locks
  const [row] = await on.query<LeaseRow>(sql`
    UPDATE seat_leases AS held
       SET expires_at = greatest(held.expires_at, statement_timestamp() + make_interval(secs => lease_seconds))
      FROM licenses
      CROSS JOIN LATERAL (
        SELECT seat_model, seat_limit, surplus_until FROM license_terms
         WHERE license_id = licenses.id AND effective_at <= greatest(statement_timestamp(), starts_at)
         ORDER BY effective_at DESC LIMIT 1) AS terms
     WHERE licenses.id = ${licenseId} AND held.license_id = ${licenseId}
       AND held.user_id = ${userId} AND held.device = ${device} AND held.fence = coalesce(${fence}::bigint, held.fence)
       AND held.expires_at > statement_timestamp() AND held.ended_at IS NULL
       AND EXISTS (SELECT FROM memberships JOIN users ON users.id = memberships.user_id
                    WHERE memberships.user_id = held.user_id
                      AND memberships.organization_id = licenses.organization_id AND disabled_at IS NULL)
       AND terms.seat_model = 'floating'
       AND (surplus_until > statement_timestamp()
            OR (SELECT count(*) FROM seat_leases AS before
                 WHERE before.license_id = ${licenseId} AND before.fence < held.fence
                   AND before.expires_at > statement_timestamp() AND before.ended_at IS NULL)
               + (SELECT coalesce(sum(seat_block), 0) FROM offline_grants
                   WHERE license_id = ${licenseId} AND returned_at IS NULL
                     AND offline_grants.expires_at > statement_timestamp())
               < seat_limit)
    RETURNING held.fence, held.expires_at, lease_seconds`);
  return row;
}

/** Under the locks of the licenses, when nothing is held there. */
export async function take(
  transaction: Transaction,
  { licenseId, userId, device }: LeaseHolder,
  by: By,
): Promise<LeaseRow | undefined> {
  const actor = actorOf(by);
  const standing = await seatStanding(transaction, licenseId, { userId, device });
  const refusal = leaseRefusal(standing) ?? (standing.member ? fullRefusal(standing) : notAMember());
  if (refusal) throw refusal;
  const [row] = await transaction.query<LeaseRow>(sql`
    WITH target AS (
      UPDATE licenses SET last_fence = last_fence + 1 WHERE id = ${licenseId}
      RETURNING id, organization_id, module_key, last_fence, lease_seconds
    ), leased AS (
      INSERT INTO seat_leases (license_id, user_id, device, fence, leased_at, expires_at)
      SELECT id, ${userId}, ${device}, last_fence, statement_timestamp(),
             statement_timestamp() + make_interval(secs => lease_seconds)
        FROM target
      ON CONFLICT (license_id, user_id, device) DO UPDATE
         SET fence = excluded.fence, leased_at = excluded.leased_at, expires_at = excluded.expires_at,
             ended_at = NULL
      RETURNING user_id, device, fence, expires_at
    ), told AS (
      INSERT INTO outbox (kind, subject, organization_id, facts)
      SELECT 'seat-assigned', user_id, organization_id,
             jsonb_build_object('license_id', id, 'module', module_key)
        FROM target, leased
    ), audited AS (
      INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
      SELECT 'seat.lease', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null}, id, organization_id,
             jsonb_build_object('user', user_id, 'device', device, 'fence', fence)
        FROM target, leased
    )
    SELECT fence, expires_at, lease_seconds FROM target, leased`);
  return row;
}

/**
 * Gives a named seat to whoever holds a floating one, with the rank of who came first, when the seats of the license
 * become named: nobody is put out in the middle of their work. Under the license's lock, after `dropExpired`; the
 * organization's version is the caller's to raise.
 */
export async function seatLeaseHolders(transaction: Transaction, licenseId: string, by: By): Promise<void> {
  const actor = actorOf(by);
  await transaction.query(sql`
    WITH assigned AS (
      INSERT INTO seat_assignments (id, license_id, user_id, assigned_at, way)
      SELECT gen_random_uuid(), licenses.id, user_id, min(leased_at), 'administrator'
        FROM seat_leases JOIN licenses ON licenses.id = license_id
       WHERE license_id = ${licenseId} AND ended_at IS NULL
         AND EXISTS (SELECT FROM memberships JOIN users ON users.id = memberships.user_id
                      WHERE memberships.user_id = seat_leases.user_id
                        AND memberships.organization_id = licenses.organization_id AND disabled_at IS NULL)
         AND NOT EXISTS (SELECT FROM seat_assignments AS held
                          WHERE held.license_id = licenses.id AND held.user_id = seat_leases.user_id
                            AND released_at IS NULL)
       GROUP BY licenses.id, user_id
      RETURNING license_id, user_id, way
    ), target AS (
      SELECT license_id, organization_id, module_key, user_id, way
        FROM assigned JOIN licenses ON licenses.id = license_id
    ), told AS (
      INSERT INTO outbox (kind, subject, organization_id, facts)
      SELECT 'seat-assigned', user_id, organization_id,
             jsonb_build_object('license_id', license_id, 'module', module_key)
        FROM target
    )
    INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
    SELECT 'seat.assign', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
           license_id, organization_id, jsonb_build_object('user', user_id, 'way', way)
      FROM target`);
}
