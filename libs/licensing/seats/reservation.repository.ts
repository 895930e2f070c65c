import { Injectable } from '@nestjs/common';
import { Database, PublicError, sql, type Transaction } from '#platform';
import { actorOf, type By } from '../by.js';
import { inBatches } from '../batches.js';
import { fullRefusal, isUuid, namedRefusal, type AssignedSeat } from './seat.js';
import { assignUnderLock } from './seat.repository.js';
import { dropExpired, lockLicensesBeside, seatStanding } from './seat-standing.repository.js';

export interface Reservation {
  readonly licenseId: string;
  /** Exclusive. */
  readonly expiresAt: Date;
  /** False when the invitation held the seat already, until when it was first told. */
  readonly reserved: boolean;
}

/** An invitation of one organization: the same id says nothing about another one's seats. */
export interface Invitation {
  readonly organizationId: string;
  readonly invitationId: string;
}

export interface ConvertedSeat extends AssignedSeat {
  readonly licenseId: string;
}

/** How far ahead a reservation may expire. */
export const LONGEST_RESERVATION_DAYS = 90;

/** Seats that are kept for invitations; one that has expired holds nothing any more. */
@Injectable()
export class SeatReservationRepository {
  constructor(private readonly database: Database) {}

  /**
   * Keeps a named seat for who accepts an invitation; asking twice keeps one.
   * @param expiresAt exclusive, by the database's clock; at most 90 days ahead
   * @param on the transaction that it is a part of, which has locked no organization yet; one of its own unless told
   * @throws PublicError as `assignSeat`, and 400 `invalid_reservation`
   */
  async reserveSeat(
    licenseId: string,
    invitationId: string,
    expiresAt: Date,
    by: By,
    on?: Transaction,
  ): Promise<Reservation> {
    const actor = actorOf(by);
    if (!isUuid(invitationId)) throw invalid('The invitation is named by its id, a UUID.');
    if (Number.isNaN(expiresAt.getTime())) throw invalid('A reservation expires at an instant.');
    return this.within(on, async (transaction) => {
      await lockLicensesBeside(transaction, licenseId);
      await dropExpired(transaction, licenseId);
      const [kept] = await transaction.query<{ expires_at: Date }>(sql`
        SELECT expires_at FROM seat_reservations
         WHERE license_id = ${licenseId} AND invitation_id = ${invitationId}`);
      if (kept) return { licenseId, expiresAt: kept.expires_at, reserved: false };
      const standing = await seatStanding(transaction, licenseId);
      const refusal = namedRefusal(standing, 'invitation') ?? fullRefusal(standing);
      if (refusal) throw refusal;
      const reserved = await transaction.query(sql`
        WITH reserved AS (
          INSERT INTO seat_reservations (license_id, invitation_id, expires_at, created_at)
          SELECT id, ${invitationId}, ${expiresAt}, statement_timestamp() FROM licenses
           WHERE id = ${licenseId} AND ${expiresAt}::timestamptz > statement_timestamp()
             AND ${expiresAt}::timestamptz <= statement_timestamp() + ${LONGEST_RESERVATION_DAYS} * interval '24 hours'
          RETURNING license_id, invitation_id, expires_at
        ), target AS (
          SELECT license_id, organization_id, module_key, invitation_id, expires_at
            FROM reserved JOIN licenses ON licenses.id = license_id
        ), told AS (
          INSERT INTO outbox (kind, subject, organization_id, facts)
          SELECT 'license-changed', organization_id, organization_id,
                 jsonb_build_object('act', 'seat.reserve', 'license_id', license_id, 'module', module_key)
            FROM target
        )
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
        SELECT 'seat.reserve', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
               license_id, organization_id,
               jsonb_build_object('invitation', invitation_id, 'expires_at', expires_at)
          FROM target
        RETURNING id`);
      if (reserved.length === 0) {
        throw invalid(`A reservation expires in the future, at most ${LONGEST_RESERVATION_DAYS} days ahead.`);
      }
      return { licenseId, expiresAt, reserved: true };
    });
  }

  /**
   * Whoever accepted the invitation gets what its organization kept for them, on every license at once or on none.
   * @param on as at `reserveSeat`
   * @throws PublicError as `assignSeat`, and 404 `unknown_reservation` when nothing is kept, or not any more
   */
  async convertReservation(
    invitation: Invitation,
    userId: string,
    by: By,
    on?: Transaction,
  ): Promise<ConvertedSeat[]> {
    if (!isInvitation(invitation)) throw unknownReservation();
    const { invitationId } = invitation;
    return this.within(on, async (transaction) => {
      const locked = await lockLicensesOf(transaction, invitation);
      // nothing that was kept only after the locks were asked for: its license might not be locked
      const kept = await transaction.query<{ license_id: string }>(sql`
        SELECT license_id FROM seat_reservations
         WHERE invitation_id = ${invitationId} AND expires_at > statement_timestamp()
           AND license_id = ANY (${locked}::uuid[])
         ORDER BY license_id`);
      if (kept.length === 0) throw unknownReservation();
      const seats: ConvertedSeat[] = [];
      for (const { license_id: licenseId } of kept) {
        const request = { licenseId, userId, way: 'invitation', invitationId } as const;
        const seat = await assignUnderLock(transaction, request, by);
        if (seat.assigned) {
          await transaction.query(sql`
            DELETE FROM seat_reservations
             WHERE license_id = ${licenseId} AND invitation_id = ${invitationId}`);
        } else {
          // they sit there already, and the seat that was kept is given back
          await cancel(transaction, [licenseId], invitationId, by);
        }
        seats.push({ ...seat, licenseId });
      }
      return seats;
    });
  }

  /**
   * Frees what an organization kept for an invitation.
   * @param licenseId on this license alone
   * @param on as at `reserveSeat`
   * @returns on how many licenses this call did it
   */
  async cancelReservation(
    invitation: Invitation,
    by: By,
    licenseId?: string,
    on?: Transaction,
  ): Promise<number> {
    if (!isInvitation(invitation)) return 0;
    return this.within(on, async (transaction) => {
      // else one that is being converted would be cancelled as well
      const locked = await lockLicensesOf(transaction, invitation);
      const meant = licenseId === undefined ? locked : locked.filter((id) => id === licenseId);
      return cancel(transaction, meant, invitation.invitationId, by);
    });
  }

  private within<T>(on: Transaction | undefined, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return on ? work(on) : this.database.transaction(work);
  }

  /** Removes reservations that have expired. @param limit rows of one statement */
  async prune(limit: number): Promise<void> {
    await inBatches(limit, () =>
      this.database.query(sql`
        DELETE FROM seat_reservations
         WHERE (license_id, invitation_id) IN (
           SELECT license_id, invitation_id FROM seat_reservations
            WHERE expires_at <= now() ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
        RETURNING 1`),
    );
  }
}

function isInvitation({ organizationId, invitationId }: Invitation): boolean {
  return isUuid(organizationId) && isUuid(invitationId);
}

/** As `lockLicensesBeside`, when the organization keeps seats for the invitation. @returns what is locked */
async function lockLicensesOf(
  transaction: Transaction,
  { organizationId, invitationId }: Invitation,
): Promise<string[]> {
  const locked = await transaction.query<{ id: string }>(sql`
    SELECT id FROM licenses
     WHERE organization_id = ${organizationId}
       AND EXISTS (SELECT FROM seat_reservations JOIN licenses AS kept ON kept.id = license_id
                    WHERE invitation_id = ${invitationId} AND kept.organization_id = ${organizationId})
     ORDER BY id FOR UPDATE`);
  return locked.map(({ id }) => id);
}

async function cancel(
  transaction: Transaction,
  licenseIds: readonly string[],
  invitationId: string,
  by: By,
): Promise<number> {
  const actor = actorOf(by);
  const cancelled = await transaction.query(sql`
    WITH cancelled AS (
      DELETE FROM seat_reservations USING licenses
       WHERE licenses.id = license_id AND invitation_id = ${invitationId}
         AND license_id = ANY (${licenseIds}::uuid[])
      RETURNING license_id, organization_id, module_key, invitation_id
    ), told AS (
      INSERT INTO outbox (kind, subject, organization_id, facts)
      SELECT 'license-changed', organization_id, organization_id,
             jsonb_build_object('act', 'seat.cancel-reservation', 'license_id', license_id, 'module', module_key)
        FROM cancelled
    )
    INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
    SELECT 'seat.cancel-reservation', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
           license_id, organization_id,
           jsonb_build_object('invitation', invitation_id)
      FROM cancelled
    RETURNING id`);
  return cancelled.length;
}

function invalid(problem: string): PublicError {
  return new PublicError(400, 'invalid_reservation', problem);
}

function unknownReservation(): PublicError {
  return new PublicError(
    404,
    'unknown_reservation',
    'No seat is kept for this invitation, or not any more: ask for a new one.',
  );
}
