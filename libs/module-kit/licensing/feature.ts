import type { FeatureDefinition, FeatureValue, SnapshotLicense, SnapshotOverride } from './snapshot.js';
import { termsAt } from './terms.js';

/**
 * What one license says about a feature at an instant, an override in force before the plan.
 * Undefined when it does not include the feature, or holds a value that is not of the feature's type.
 */
export function featureValue(
  license: SnapshotLicense,
  { key, type }: FeatureDefinition,
  at: number,
): FeatureValue | undefined {
  const override = license.overrides.find((candidate) => candidate.feature === key && inForce(candidate, at));
  if (override?.removed) return undefined;
  // what every object inherits (a feature may be called "constructor") is of no feature's type
  const value = override ? override.value : termsAt(license, at).features[key];
  return value !== undefined && isFeatureValue(value, type) ? value : undefined;
}

/** Whether a value is of a feature's type; anything may be asked, since plans come from people. */
export function isFeatureValue(value: unknown, type: FeatureDefinition['type']): boolean {
  if (type === 'boolean') return typeof value === 'boolean';
  return value === null || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0);
}

/** The limits of several licenses as one: null is unlimited, undefined when none includes the feature. */
export function limitOf(
  licenses: readonly SnapshotLicense[],
  definition: FeatureDefinition,
  at: number,
): number | null | undefined {
  let combined: number | undefined;
  for (const license of licenses) {
    const value = featureValue(license, definition, at);
    if (value === null) return null;
    if (typeof value !== 'number') continue;
    const before = combined ?? 0;
    combined = definition.combine === 'sum' ? before + value : Math.max(before, value);
  }
  return combined;
}

function inForce(override: SnapshotOverride, at: number): boolean {
  return (
    Date.parse(override.startsAt) <= at && (override.endsAt === null || at < Date.parse(override.endsAt))
  );
}

/** The instants at which an override of this feature begins or stops to count, in no order. */
export function overrideBoundaries(license: SnapshotLicense, feature: string): number[] {
  return license.overrides
    .filter((override) => override.feature === feature)
    .flatMap(({ startsAt, endsAt }) => (endsAt === null ? [startsAt] : [startsAt, endsAt]))
    .map((instant) => Date.parse(instant));
}
