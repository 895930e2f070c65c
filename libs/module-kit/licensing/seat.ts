import type { DecisionQuestion } from './decision.js';
import type { SnapshotLicense } from './snapshot.js';
import { termsAt } from './terms.js';

/** What keeps somebody out of one license, or `in`. */
export type Seating = 'in' | 'LEASE_EXPIRED' | 'SEAT_REQUIRED' | 'OVER_ALLOCATED';

/**
 * Whether the person may use what a license gives: a machine client sits in no seat, a person needs one unless seats
 * are unlimited. Of more people than the limit, less what license files took along, the first ones stay; the others
 * until the surplus has to be gone.
 */
export function seatingOf(
  license: SnapshotLicense,
  question: Pick<DecisionQuestion, 'userId' | 'leases'>,
  at: number,
): Seating {
  const { userId } = question;
  const { seatModel, seatLimit, surplusUntil } = termsAt(license, at);
  if (seatModel === 'unlimited' || userId === null || seatLimit === null) return 'in';
  if (seatModel === 'floating') {
    const ends = leaseEnds(license, question);
    if (ends.length === 0) return 'SEAT_REQUIRED';
    return ends.some((end) => at < end) ? 'in' : 'LEASE_EXPIRED';
  }
  const left = seatLimit - seatsAway(license, at);
  const rank = ranksOf(license).get(userId);
  if (rank === undefined) return license.seats.length > left ? 'OVER_ALLOCATED' : 'SEAT_REQUIRED';
  const stays = rank < left || (surplusUntil !== null && at < Date.parse(surplusUntil));
  return stays ? 'in' : 'OVER_ALLOCATED';
}

/** Seats that license files have at an instant: whoever sits there cannot be told to leave, so those here are fewer. */
function seatsAway({ offlineBlocks = [] }: SnapshotLicense, at: number): number {
  return offlineBlocks.reduce((sum, { seats, until }) => (at < Date.parse(until) ? sum + seats : sum), 0);
}

/** The instants at which seats are back from license files, in no order. */
export function blockEnds({ offlineBlocks = [] }: SnapshotLicense): number[] {
  return offlineBlocks.map(({ until }) => Date.parse(until));
}

/** When each floating seat ends that the person holds of this license, in milliseconds. */
export function leaseEnds(
  { id }: SnapshotLicense,
  { leases = [] }: Pick<DecisionQuestion, 'leases'>,
): number[] {
  return leases.filter(({ licenseId = id }) => licenseId === id).map(({ until }) => until.getTime());
}

const ranks = new WeakMap<SnapshotLicense, ReadonlyMap<string, number>>();

/** Made once per license: a guard asks on every request, and seats may be many. */
function ranksOf(license: SnapshotLicense): ReadonlyMap<string, number> {
  let found = ranks.get(license);
  if (!found) ranks.set(license, (found = new Map(license.seats.map((user, rank) => [user, rank]))));
  return found;
}
