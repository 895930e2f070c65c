import { httpStatusOfDecision, type LicenseStatus, type SeatModel } from '@core-auth/module-kit/licensing';
import { PublicError } from '#platform';

/** How somebody came to a seat. */
export type SeatWay = 'administrator' | 'first-use' | 'import' | 'invitation';

export interface AssignedSeat {
  readonly seatId: string;
  /** False when this person held the seat already. */
  readonly assigned: boolean;
  /** The organization's license version. */
  readonly version: number;
}

/** What holds the seats of a license, each in seats. */
export interface SeatCount {
  /** Named seats that people hold. */
  readonly active: number;
  /** Held for invitations that are still open. */
  readonly reserved: number;
  /** Floating seats that are held now. */
  readonly leased: number;
  /** Taken along in license files that are neither returned nor expired. */
  readonly offline: number;
  /** Released so shortly ago that nobody but their last holder may have them. */
  readonly cooling: number;
}

/** A license as it stands for its seats. */
export interface SeatStanding extends SeatCount {
  readonly status: LicenseStatus;
  readonly time: 'scheduled' | 'running' | 'over';
  readonly model: SeatModel;
  /** Null exactly when the model is `unlimited`. */
  readonly limit: number | null;
  readonly inUse: number;
  /** When a seat is free for anybody, where all that are not in use cool; null otherwise. */
  readonly cooledAt: Date | null;
}

/** A seat that is free, and goes to nobody but its last holder yet. */
export interface CoolingSeat {
  readonly userId: string;
  /** Exclusive. */
  readonly until: Date;
}

/** There is no seat for one more, though the license has no more people than seats. */
export class SeatsExhausted extends PublicError {
  /** @param freeAt when a seat that cools is free for anybody; null when all are taken */
  constructor(
    readonly freeAt: Date | null,
    sentence = freeAt
      ? 'No seat of this license is free: what was released lately goes to nobody but its last holder for a while. ' +
        `Ask again from ${freeAt.toISOString()} on.`
      : 'All seats of this license are taken.',
  ) {
    super(httpStatusOfDecision.SEATS_EXHAUSTED, 'SEATS_EXHAUSTED', sentence);
  }
}

/**
 * Seats in use under a model: what only the other model knows gives nobody access, and so holds nothing.
 * A seat that cools is in no use, though nobody new gets it.
 */
export function seatsInUse(model: SeatModel, count: SeatCount): number {
  if (model === 'unlimited') return 0;
  return count.offline + (model === 'floating' ? count.leased : count.active + count.reserved);
}

type Standing = Pick<SeatStanding, 'status' | 'time' | 'model'>;

/** Why a license gives nobody a named seat by this way; undefined when it may. */
export function namedRefusal({ status, time, model }: Standing, way: SeatWay): PublicError | undefined {
  if (status === 'cancelled' || status === 'revoked') return ended(status);
  if (time === 'over') return ended('over');
  if (model !== 'named') {
    return new PublicError(
      409,
      'no_seats',
      model === 'floating'
        ? 'This license has no seats to assign: its seats are leased by those who come.'
        : 'This license has no seats to assign: it is for everybody.',
    );
  }
  return way === 'first-use' && !isInEffect({ status, time }) ? notInEffect() : undefined;
}

/** Why a license leases nothing; undefined when it may. */
export function leaseRefusal({ status, time, model }: Standing): PublicError | undefined {
  if (status === 'cancelled' || status === 'revoked') return ended(status);
  if (time === 'over') return ended('over');
  if (model !== 'floating')
    return new PublicError(409, 'no_leases', 'The seats of this license do not float.');
  return isInEffect({ status, time }) ? undefined : notInEffect();
}

/** How many seats of a license have to cool off for there to be one for one more; not above 0 when that changes nothing. */
export function seatsToCool({ limit, inUse, model, cooling }: Omit<SeatStanding, 'cooledAt'>): number {
  return limit === null || model !== 'named' || inUse >= limit ? 0 : inUse + cooling + 1 - limit;
}

/** Why there is no seat for one more; undefined when there is. */
export function fullRefusal({
  limit,
  inUse,
  model,
  cooling,
  cooledAt,
}: SeatStanding): PublicError | undefined {
  if (limit === null) return undefined;
  if (inUse > limit) {
    return denied(
      'OVER_ALLOCATED',
      'More people hold seats of this license than it has: nobody new gets in.',
    );
  }
  const held = inUse + (model === 'named' ? cooling : 0);
  return held < limit ? undefined : new SeatsExhausted(cooledAt);
}

export function unknownLicense(): PublicError {
  return new PublicError(404, 'unknown_license', 'There is no such license.');
}

export function notAMember(): PublicError {
  return new PublicError(
    409,
    'not_a_member',
    'This person does not belong to the organization, or cannot sign in any more.',
  );
}

export function denied(code: 'OVER_ALLOCATED' | 'LEASE_EXPIRED', sentence: string): PublicError {
  return new PublicError(httpStatusOfDecision[code], code, sentence);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

export function isInEffect({ status, time }: Pick<SeatStanding, 'status' | 'time'>): boolean {
  return status === 'issued' && time === 'running';
}

function notInEffect(): PublicError {
  return new PublicError(409, 'license_not_in_effect', 'This license is not in effect now.');
}

function ended(how: string): PublicError {
  return new PublicError(409, 'license_ended', `This license is ${how}.`);
}
