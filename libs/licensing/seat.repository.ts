import { Injectable } from '@nestjs/common';
import { httpStatusOfDecision, type LicenseStatus, type SeatModel } from '@core-auth/module-kit/licensing';
import { Database, PublicError, randomUUID, sql } from '#platform';

export interface AssignedSeat {
  readonly seatId: string;
  /** False when this person held the seat already. */
  readonly assigned: boolean;
  /** The organization's license version. */
  readonly version: number;
}

interface Attempt {
  status: LicenseStatus;
  seat_model: SeatModel;
  member: boolean;
  existing: string | null;
  assigned: string | null;
  version: string;
}

/** Who sits on what. Row locks are always taken licenses in id order first, organization second. */
@Injectable()
export class SeatRepository {
  constructor(private readonly database: Database) {}

  /**
   * The one way into a seat; asking twice gives the same seat.
   * @param actor who does it: a user id, a client id, or a word for the process (`seed`)
   * @throws PublicError 403 `SEATS_EXHAUSTED`; 404 `unknown_license`; 409 `not_a_member`, `no_seats` (the license is
   * for everybody), `license_ended`
   */
  async assignSeat(licenseId: string, userId: string, actor: string): Promise<AssignedSeat> {
    return this.database.transaction(async (transaction) => {
      const locked = await transaction.query(sql`
        SELECT id FROM licenses
         WHERE organization_id = (SELECT organization_id FROM licenses WHERE id = ${licenseId})
         ORDER BY id FOR UPDATE`);
      if (locked.length === 0) throw new PublicError(404, 'unknown_license', 'There is no such license.');
      // a statement of its own: it sees what those who held the locks before have committed
      const [attempt] = await transaction.query<Attempt>(sql`
        WITH target AS (
          SELECT id, organization_id, status, seat_model,
                 EXISTS (SELECT FROM memberships
                          WHERE user_id = ${userId} AND organization_id = licenses.organization_id) AS member,
                 (SELECT seat.id FROM seat_assignments AS seat
                   WHERE license_id = licenses.id AND user_id = ${userId} AND released_at IS NULL) AS existing,
                 (SELECT count(*) FROM seat_assignments
                   WHERE license_id = licenses.id AND released_at IS NULL) < seat_limit AS free
            FROM licenses WHERE id = ${licenseId}
        ), assigned AS (
          INSERT INTO seat_assignments (id, license_id, user_id, assigned_at)
          SELECT ${randomUUID()}, id, ${userId}, now() FROM target
           WHERE existing IS NULL AND member AND free AND seat_model = 'named'
             AND status NOT IN ('cancelled', 'revoked')
          RETURNING id
        ), raised AS (
          UPDATE organizations SET license_version = license_version + 1 FROM target, assigned
           WHERE organizations.id = organization_id
          RETURNING license_version
        ), told AS (
          INSERT INTO outbox (kind, subject, organization_id)
          SELECT 'license-changed', organization_id, organization_id FROM target, assigned
        ), audited AS (
          INSERT INTO audit_events (act, actor, target, organization_id, detail)
          SELECT 'seat.assign', ${actor}, target.id, organization_id, jsonb_build_object('user', ${userId}::text)
            FROM target, assigned
        )
        SELECT status, seat_model, member, existing, (SELECT id FROM assigned) AS assigned,
               COALESCE((SELECT license_version FROM raised), license_version) AS version
          FROM target JOIN organizations ON organizations.id = organization_id`);
      return outcomeOf(attempt);
    });
  }

  /** Frees the seat of a person at once. @returns whether this call did it */
  async releaseSeat(licenseId: string, userId: string, actor: string): Promise<boolean> {
    const released = await this.database.query(sql`
      WITH released AS (
        UPDATE seat_assignments SET released_at = now() FROM licenses
         WHERE licenses.id = license_id
           AND license_id = ${licenseId} AND user_id = ${userId} AND released_at IS NULL
        RETURNING license_id, organization_id
      ), raised AS (
        UPDATE organizations SET license_version = license_version + 1 FROM released
         WHERE organizations.id = organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'license-changed', organization_id, organization_id FROM released
      )
      INSERT INTO audit_events (act, actor, target, organization_id, detail)
      SELECT 'seat.release', ${actor}, license_id, organization_id, jsonb_build_object('user', ${userId}::text)
        FROM released
      RETURNING id`);
    return released.length > 0;
  }
}

function outcomeOf(attempt: Attempt | undefined): AssignedSeat {
  if (!attempt) throw new Error('a license vanished while it was locked');
  const version = Number(attempt.version);
  if (attempt.existing) return { seatId: attempt.existing, assigned: false, version };
  if (attempt.assigned) return { seatId: attempt.assigned, assigned: true, version };
  if (attempt.status === 'cancelled' || attempt.status === 'revoked') {
    throw new PublicError(409, 'license_ended', `This license is ${attempt.status}.`);
  }
  if (attempt.seat_model !== 'named') {
    throw new PublicError(409, 'no_seats', 'This license has no seats to assign: it is for everybody.');
  }
  if (!attempt.member) {
    throw new PublicError(409, 'not_a_member', 'This person does not belong to the organization.');
  }
  throw new PublicError(
    httpStatusOfDecision.SEATS_EXHAUSTED,
    'SEATS_EXHAUSTED',
    'All seats of this license are taken.',
  );
}
