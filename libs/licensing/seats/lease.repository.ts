import { Injectable } from '@nestjs/common';
import { Database, PublicError, sql } from '#platform';
import { actorOf, type By } from '../by.js';
import { inBatches } from '../batches.js';
import type { LeaseName, WantedLease } from './lease-request.js';
import { prolong, take, type LeaseHolder, type LeaseRow } from './lease-writing.repository.js';
import { denied, isUuid, notAMember, unknownLicense } from './seat.js';
import { dropExpired, lockLicensesBeside } from './seat-standing.repository.js';

export interface Lease {
  /** Rises with every lease of the license: what was done under a lower one may be refused by whoever keeps it. */
  readonly fence: number;
  /** Exclusive, by the database's clock. */
  readonly expiresAt: Date;
  /** How long that is from now. */
  readonly seconds: number;
  /** How often the holder says that they are still there: every third of the lease. */
  readonly heartbeatSeconds: number;
}

/**
 * Floating seats: held for as long as their holder is heard of. Leases are no part of a snapshot, so taking and giving
 * back one raises no version; heartbeats change nothing that anybody else decides by, and leave no traces.
 */
@Injectable()
export class SeatLeaseRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes a floating seat. Whoever holds one at this device keeps it, under its own fence number and for one more term,
   * so that of several who ask at once all are told of the same lease.
   * @throws PublicError 400 `invalid_device`; 403 `SEATS_EXHAUSTED`, `OVER_ALLOCATED`; 404 `unknown_license`; 409
   * `not_a_member`, `no_leases`, `license_ended`, `license_not_in_effect`
   */
  async acquireLease(holder: LeaseHolder, by: By): Promise<Lease> {
    requireSound(holder);
    return this.database.transaction(async (transaction) => {
      await lockLicensesBeside(transaction, holder.licenseId);
      await dropExpired(transaction, holder.licenseId);
      // under the locks: of those who came at once one has taken it, and the others see that here
      return leaseOf((await prolong(transaction, holder)) ?? (await take(transaction, holder, by)));
    });
  }

  /**
   * Holds the seat for one more term, from now.
   * @param fence of the lease that is held
   * @throws PublicError 400 `invalid_device`, `invalid_fence`; 403 `LEASE_EXPIRED`; 403 `OVER_ALLOCATED` (the license
   * has fewer seats by now, and those who came first stay); 409 `lease_superseded`, `not_a_member`
   */
  async heartbeat(holder: LeaseHolder, fence: number): Promise<Lease> {
    requireSound(holder);
    requireFence(fence);
    const row = await prolong(this.database, holder, fence);
    if (!row) throw await this.refusedHeartbeat(holder, fence);
    return leaseOf(row);
  }

  private async refusedHeartbeat(
    { licenseId, userId, device }: LeaseHolder,
    fence: number,
  ): Promise<PublicError> {
    const [held] = await this.database.query<{ live: boolean; member: boolean }>(sql`
      SELECT expires_at > now() AND ended_at IS NULL AS live,
             EXISTS (SELECT FROM memberships JOIN users ON users.id = memberships.user_id
                      WHERE memberships.user_id = seat_leases.user_id AND disabled_at IS NULL
                        AND organization_id = (SELECT organization_id FROM licenses WHERE id = license_id)) AS member
        FROM seat_leases
       WHERE license_id = ${licenseId} AND user_id = ${userId} AND device = ${device} AND fence = ${fence}`);
    if (!held) return superseded();
    if (!held.member) return notAMember();
    return held.live
      ? denied('OVER_ALLOCATED', 'The license has fewer floating seats by now, and others came first.')
      : denied('LEASE_EXPIRED', 'This lease has expired: acquire a new one.');
  }

  /**
   * Gives the seat back.
   * @returns whether this call did it; false when nothing is held there any more
   * @throws PublicError 400 `invalid_device`, `invalid_fence`; 409 `lease_superseded` when a newer lease is held there
   */
  async releaseLease(holder: LeaseHolder, fence: number, by: By): Promise<boolean> {
    const actor = actorOf(by);
    requireSound(holder);
    requireFence(fence);
    const { licenseId, userId, device } = holder;
    const released = await this.database.query(sql`
      WITH released AS (
        DELETE FROM seat_leases USING licenses
         WHERE licenses.id = license_id AND license_id = ${licenseId} AND user_id = ${userId}
           AND device = ${device} AND fence = ${fence}
        RETURNING license_id, organization_id, module_key, user_id, device, fence
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id, facts)
        SELECT 'seat-released', user_id, organization_id,
               jsonb_build_object('license_id', license_id, 'module', module_key)
          FROM released
      )
      INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
      SELECT 'seat.release-lease', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
             license_id, organization_id,
             jsonb_build_object('user', user_id, 'device', device, 'fence', fence)
        FROM released
      RETURNING id`);
    if (released.length > 0) return true;
    const others = await this.database.query(sql`
      SELECT FROM seat_leases
       WHERE license_id = ${licenseId} AND user_id = ${userId} AND device = ${device} AND fence > ${fence}`);
    if (others.length > 0) throw superseded();
    return false;
  }

  /**
   * `acquireLease` for a module, several of whose processes may work for the same person at the same device.
   * @throws PublicError as `acquireLease`; 404 `unknown_license` too when the license is of another organization or module
   */
  async holdLease(wanted: WantedLease & { readonly module: string }, by: By): Promise<Lease> {
    requireSound(wanted);
    const { licenseId, organizationId, module } = wanted;
    const licenses = await this.database.query(sql`
      SELECT FROM licenses
       WHERE id = ${licenseId} AND organization_id = ${organizationId} AND module_key = ${module}`);
    if (licenses.length === 0) throw unknownLicense();
    // what is held needs no lock of the licenses, which others may be waiting for
    const held = await prolong(this.database, wanted);
    return held ? leaseOf(held) : this.acquireLease(wanted, by);
  }

  /** `heartbeat` of a lease that the module names. @throws PublicError as `heartbeat`; 409 of a lease of another module */
  async heartbeatNamed(name: LeaseName, module: string): Promise<Lease> {
    const holder = await this.holderOf(name, module);
    if (!holder) throw superseded();
    return this.heartbeat(holder, name.fence);
  }

  /** `releaseLease` of a lease that the module names; a lease that is not there, or of another module, is left alone. */
  async releaseNamed(name: LeaseName, module: string, by: By): Promise<void> {
    const holder = await this.holderOf(name, module);
    if (holder) await this.releaseLease(holder, name.fence, by);
  }

  /**
   * Takes a floating seat back by its fence number, for who administers the license. Its holder may take another one
   * that is free.
   * @throws PublicError 404 `unknown_lease`, also when it has expired
   */
  async endLease(licenseId: string, fence: number, by: By): Promise<void> {
    const [held] = await this.database.query<{ userId: string; device: string }>(sql`
      SELECT user_id AS "userId", device FROM seat_leases
       WHERE license_id = ${licenseId} AND fence = ${fence} AND expires_at > now()`);
    if (held && (await this.releaseLease({ licenseId, ...held }, fence, by))) return;
    throw new PublicError(404, 'unknown_lease', 'Nobody holds this lease any more.');
  }

  private async holderOf({ licenseId, fence }: LeaseName, module: string): Promise<LeaseHolder | undefined> {
    const [holder] = await this.database.query<{ user_id: string; device: string }>(sql`
      SELECT user_id, device FROM seat_leases JOIN licenses ON licenses.id = license_id
       WHERE license_id = ${licenseId} AND fence = ${fence} AND module_key = ${module}`);
    return holder && { licenseId, userId: holder.user_id, device: holder.device };
  }

  /** The end of the longest lease that a person holds of a license; undefined when they hold none. */
  async leasedUntil(licenseId: string, userId: string): Promise<Date | undefined> {
    const [row] = await this.database.query<{ until: Date | null }>(sql`
      SELECT max(expires_at) AS until FROM seat_leases
       WHERE license_id = ${licenseId} AND user_id = ${userId} AND expires_at > now()`);
    return row?.until ?? undefined;
  }

  /** Removes leases that ended a day ago. @param limit rows of one statement */
  async prune(limit: number): Promise<void> {
    await inBatches(limit, () =>
      this.database.query(sql`
        DELETE FROM seat_leases
         WHERE (license_id, user_id, device) IN (
           SELECT license_id, user_id, device FROM seat_leases
            WHERE expires_at <= now() - interval '1 day' LIMIT ${limit} FOR UPDATE SKIP LOCKED)
        RETURNING 1`),
    );
  }
}

function leaseOf(row: LeaseRow | undefined): Lease {
  if (!row) throw new Error('a license vanished while it was locked');
  return {
    fence: Number(row.fence),
    expiresAt: row.expires_at,
    seconds: row.lease_seconds,
    heartbeatSeconds: Math.floor(row.lease_seconds / 3),
  };
}

function requireSound({ licenseId, userId, device }: LeaseHolder): void {
  if (!isUuid(licenseId)) throw unknownLicense();
  if (!isUuid(userId)) throw notAMember();
  // U+0000 is no text to PostgreSQL; length counts characters there
  const { length } = [...device];
  if (length < 1 || length > 128 || device.includes('\0')) {
    throw new PublicError(400, 'invalid_device', 'A device is named by 1 to 128 characters.');
  }
}

function requireFence(fence: number): void {
  if (!Number.isSafeInteger(fence) || fence < 1) {
    throw new PublicError(400, 'invalid_fence', 'A fence number is a whole number from 1 up.');
  }
}

export function superseded(): PublicError {
  return new PublicError(
    409,
    'lease_superseded',
    'This lease was replaced by a newer one, or its seat went to another: acquire a new one.',
  );
}
