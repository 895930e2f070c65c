import type { SeatModel } from '@core-auth/module-kit/licensing';
import { graceProblem, isDatable, seatsProblem, termProblem, type TermsDetails } from './license.js';

/** A new end. Exactly one of `lastDay` and `endsAt`. */
export interface Renewal {
  readonly licenseId: string;
  /** The last day that is sold, in the license's time zone, from which the end is computed, once. */
  readonly lastDay?: string;
  /** Exclusive; null has no end. */
  readonly endsAt?: Date | null;
  /** As it is unless told. */
  readonly graceDays?: number;
  /** Lets the new end be before the present one; before now it never is. */
  readonly shorten?: boolean;
}

/** What a license is to give from an instant on. What is left out stays as it is then; at least one thing changes. */
export interface TermsChange {
  readonly licenseId: string;
  /** Of the same module. */
  readonly planVersionId?: string;
  readonly seatModel?: SeatModel;
  /** Null exactly when seats become unlimited. */
  readonly seatLimit?: number | null;
  /** Now unless told; a license that has not started changes when it starts, at the earliest. */
  readonly effectiveAt?: Date;
  /**
   * Forces a limit below the seats in use: until this instant, exclusive, those beyond it keep access. Without it a
   * limit below those in use is refused now, whichever the model, and later seats who has sat longest.
   */
  readonly surplusUntil?: Date;
}

/** Of one license: each change is a row that the snapshot carries. */
export const MOST_TERMS = 200;

/** What is wrong with a new end, as a sentence; undefined when nothing is. */
export function renewalProblem({ lastDay, endsAt, graceDays }: Renewal): string | undefined {
  if ((lastDay === undefined) === (endsAt === undefined)) {
    return 'A renewal says either the last day or the end.';
  }
  return (
    termProblem(lastDay, endsAt ?? null) ?? (graceDays === undefined ? undefined : graceProblem(graceDays))
  );
}

/** As renewalProblem, for a change of terms before it is known what it changes. */
export function termsChangeProblem(change: TermsChange): string | undefined {
  const { planVersionId, seatModel, seatLimit, effectiveAt, surplusUntil } = change;
  if ([planVersionId, seatModel, seatLimit, surplusUntil].every((one) => one === undefined)) {
    return 'A change of terms says the plan version, the seat model, the seat limit or how long a surplus stays.';
  }
  const dated = [effectiveAt, surplusUntil].every((instant) => instant === undefined || isDatable(instant));
  return dated ? undefined : 'Terms change between the years 2000 and 2999.';
}

/**
 * The terms of a change that begins at an instant after those that hold until then.
 * A surplus that was granted is kept, unless the change takes away more seats.
 * @returns a sentence when they cannot be
 */
export function changedTerms(
  before: TermsDetails,
  change: TermsChange,
  effectiveAt: Date,
): TermsDetails | string {
  const seatModel = change.seatModel ?? before.seatModel;
  const unspoken = seatModel === 'unlimited' ? null : before.seatLimit;
  const seatLimit = change.seatLimit === undefined ? unspoken : change.seatLimit;
  const problem = seatsProblem(seatModel, seatLimit);
  if (problem) return problem;
  const { surplusUntil } = change;
  if (surplusUntil && surplusUntil < effectiveAt) return 'A surplus stays at least until the change begins.';
  if (surplusUntil && seatModel !== 'named') return 'Only people with named seats can be a surplus.';
  const after = {
    effectiveAt: effectiveAt.toISOString(),
    planVersionId: change.planVersionId ?? before.planVersionId,
    seatModel,
    seatLimit,
  };
  const kept = shrinks(before, after) ? null : stillGranted(before.surplusUntil, after.effectiveAt);
  return { ...after, surplusUntil: surplusUntil?.toISOString() ?? (seatModel === 'named' ? kept : null) };
}

type Seats = Pick<TermsDetails, 'seatModel' | 'seatLimit'>;

/** Whether there may be fewer seats than before for those who have one; of another model they are others. */
export function shrinks(before: Seats, after: Seats): boolean {
  if (after.seatLimit === null) return false;
  return (
    before.seatModel !== after.seatModel || before.seatLimit === null || after.seatLimit < before.seatLimit
  );
}

/**
 * A license's terms with those of one instant replaced, or taken out (null). Later ones follow in what they had left
 * as it was: a plan that was to change next month still changes then, and keeps the seats that were bought today.
 * @param terms the earliest first
 */
export function replaceTerms(
  terms: readonly TermsDetails[],
  effectiveAt: string,
  replacement: TermsDetails | null,
): TermsDetails[] {
  const at = Date.parse(effectiveAt);
  const earlier = terms.filter((one) => Date.parse(one.effectiveAt) < at);
  const there = terms.find((one) => Date.parse(one.effectiveAt) === at);
  const result = replacement ? [...earlier, replacement] : [...earlier];
  let oldBefore = there ?? earlier.at(-1);
  let newBefore = result.at(-1);
  for (const later of terms.filter((one) => Date.parse(one.effectiveAt) > at)) {
    const moved: TermsDetails = oldBefore && newBefore ? follow(later, oldBefore, newBefore) : later;
    result.push(moved);
    [oldBefore, newBefore] = [later, moved];
  }
  return result;
}

function follow(later: TermsDetails, oldBefore: TermsDetails, newBefore: TermsDetails): TermsDetails {
  const samePlan = later.planVersionId === oldBefore.planVersionId;
  const sameSeats = later.seatModel === oldBefore.seatModel && later.seatLimit === oldBefore.seatLimit;
  const sameSurplus = later.surplusUntil === stillGranted(oldBefore.surplusUntil, later.effectiveAt);
  return {
    effectiveAt: later.effectiveAt,
    planVersionId: samePlan ? newBefore.planVersionId : later.planVersionId,
    seatModel: sameSeats ? newBefore.seatModel : later.seatModel,
    seatLimit: sameSeats ? newBefore.seatLimit : later.seatLimit,
    surplusUntil:
      sameSeats && sameSurplus ? stillGranted(newBefore.surplusUntil, later.effectiveAt) : later.surplusUntil,
  };
}

function stillGranted(surplusUntil: string | null, at: string): string | null {
  return surplusUntil !== null && Date.parse(surplusUntil) > Date.parse(at) ? surplusUntil : null;
}
