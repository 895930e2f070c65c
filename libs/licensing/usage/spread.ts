import {
  featureValue,
  graceEnd,
  licenseState,
  seatingOf,
  type DecisionQuestion,
  type FeatureDefinition,
  type LicenseSnapshot,
  type SnapshotLicense,
} from '@core-auth/module-kit/licensing';

/** A license that may bear the use of a metered feature. */
export interface Bearer {
  readonly licenseId: string;
  /** Its own limit; null is unlimited. */
  readonly limit: number | null;
  readonly overage: 'refuse' | 'allow';
  readonly timeZone: string;
  readonly inGrace: boolean;
  /** When access ends, in milliseconds; Infinity without an end. */
  readonly ends: number;
}

/** What one license bears. */
export interface Share {
  readonly licenseId: string;
  readonly amount: number;
  /** Part of `amount`: beyond the license's limit, to be billed. */
  readonly overage: number;
}

export interface Spread {
  readonly code: 'OK' | 'OK_GRACE' | 'OK_OVERAGE' | 'QUOTA_EXCEEDED';
  /** Empty exactly when the code is QUOTA_EXCEEDED. */
  readonly shares: readonly Share[];
}

/**
 * The licenses that include the feature for this person now, by the rules of `decide`, in the order in which they bear
 * its use. With `sum` that is the one whose access ends soonest first, so that nothing bought expires unused while
 * something else is used up. With `max` it is the one with the largest limit, which counts alone; the others follow
 * because one of them may allow overage. Of equals the smallest id.
 */
export function bearersOf(
  snapshot: LicenseSnapshot,
  definition: FeatureDefinition,
  question: DecisionQuestion,
  at: number,
): Bearer[] {
  const bearers = snapshot.licenses.flatMap((license) => bearerOf(license, definition, question, at) ?? []);
  const bySize = (bearer: Bearer) => (definition.combine === 'max' ? (bearer.limit ?? Infinity) : 0);
  return bearers.sort(
    (a, b) =>
      compare(bySize(b), bySize(a)) || compare(a.ends, b.ends) || (a.licenseId < b.licenseId ? -1 : 1),
  );
}

function bearerOf(
  license: SnapshotLicense,
  definition: FeatureDefinition,
  question: DecisionQuestion,
  at: number,
): Bearer | undefined {
  if (license.module !== question.module || license.environment !== question.environment) return undefined;
  const state = licenseState(license, at);
  if (state !== 'active' && state !== 'grace') return undefined;
  if (seatingOf(license, question, at) !== 'in') return undefined;
  const limit = featureValue(license, definition, at);
  if (limit === undefined || typeof limit === 'boolean') return undefined;
  const { id: licenseId, overage, timeZone } = license;
  return { licenseId, limit, overage, timeZone, inGrace: state === 'grace', ends: graceEnd(license) };
}

/** Those whose limits count: all of them, or with `max` the first alone. */
export function counting(bearers: readonly Bearer[], combine: FeatureDefinition['combine']) {
  return combine === 'max' ? bearers.slice(0, 1) : bearers;
}

/** Used up and bought of those that count, and the use that was billed beside them. */
export function total(
  bearers: readonly Bearer[],
  combine: FeatureDefinition['combine'],
  usedBy: ReadonlyMap<string, number>,
): { readonly used: number; readonly limit: number | null } {
  const counted = counting(bearers, combine);
  const billed = billedFor(bearers, combine);
  const told = new Set([...counted, ...(billed ? [billed] : [])]);
  const used = [...told].reduce((sum, { licenseId }) => sum + (usedBy.get(licenseId) ?? 0), 0);
  if (counted.length === 0 || counted.some(({ limit }) => limit === null)) return { used, limit: null };
  return { used, limit: counted.reduce((sum, { limit }) => sum + (limit ?? 0), 0) };
}

/**
 * All or nothing: each license that counts is filled up to its limit; what is left goes to a license that allows
 * overage (one that counts rather than one that does not, then the one that ends last), or everything is refused. In
 * grace only if the licenses still running would not have been enough.
 *
 * @param bearers in order, as `bearersOf` gives them
 * @param usedBy by license: used up in its present period
 */
export function spread(
  bearers: readonly Bearer[],
  combine: FeatureDefinition['combine'],
  usedBy: ReadonlyMap<string, number>,
  amount: number,
): Spread {
  const filled = fill(counting(bearers, combine), usedBy, amount);
  if (filled.left === 0) {
    const running = bearers.filter(({ inGrace }) => !inGrace);
    const enough = fill(counting(running, combine), usedBy, amount).left === 0;
    return { code: enough ? 'OK' : 'OK_GRACE', shares: filled.shares };
  }
  const billed = billedFor(bearers, combine);
  if (!billed) return { code: 'QUOTA_EXCEEDED', shares: [] };
  const own = filled.shares.find(({ licenseId }) => licenseId === billed.licenseId)?.amount ?? 0;
  const others = filled.shares.filter(({ licenseId }) => licenseId !== billed.licenseId);
  const share = { licenseId: billed.licenseId, amount: own + filled.left, overage: filled.left };
  return { code: 'OK_OVERAGE', shares: [...others, share] };
}

function fill(bearers: readonly Bearer[], usedBy: ReadonlyMap<string, number>, amount: number) {
  let left = amount;
  const shares: Share[] = [];
  for (const { licenseId, limit } of bearers) {
    const room = limit === null ? left : Math.max(0, limit - (usedBy.get(licenseId) ?? 0));
    const part = Math.min(left, room);
    if (part > 0) shares.push({ licenseId, amount: part, overage: 0 });
    left -= part;
  }
  return { shares, left };
}

function billedFor(bearers: readonly Bearer[], combine: FeatureDefinition['combine']): Bearer | undefined {
  return lastThatAllows(counting(bearers, combine)) ?? lastThatAllows(bearers);
}

function lastThatAllows(bearers: readonly Bearer[]): Bearer | undefined {
  return bearers
    .filter(({ overage }) => overage === 'allow')
    .sort((a, b) => compare(b.ends, a.ends) || (a.licenseId < b.licenseId ? -1 : 1))[0];
}

/** The thresholds, in percent of the limit, that are reached and lie above what was announced, ascending. */
export function thresholdsCrossed(
  thresholds: readonly number[],
  announced: number,
  used: number,
  limit: number | null,
): number[] {
  if (limit === null) return [];
  // whole numbers of this size times 100 are no longer exact as numbers
  return thresholds
    .filter((percent) => percent > announced && BigInt(used) * 100n >= BigInt(percent) * BigInt(limit))
    .sort((a, b) => a - b);
}

/** Not a subtraction: of two infinite numbers that is NaN. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
