import type { DecisionQuestion } from './decision.js';
import { graceEnd, licenseState } from './license-state.js';
import type { LicenseSnapshot } from './snapshot.js';
import { termsAt } from './terms.js';

/**
 * The licenses whose floating seats would let a person in: in effect, of the module and environment, those first whose
 * access ends last, of equals the smaller id.
 */
export function leasableLicenses(
  snapshot: LicenseSnapshot,
  { module, environment }: Pick<DecisionQuestion, 'module' | 'environment'>,
  now: Date,
): readonly string[] {
  const at = now.getTime();
  return snapshot.licenses
    .filter((license) => license.module === module && license.environment === environment)
    .filter((license) => {
      const state = licenseState(license, at);
      const inEffect = state === 'active' || state === 'grace';
      return inEffect && termsAt(license, at).seatModel === 'floating';
    })
    .map((license) => ({ id: license.id, ends: graceEnd(license) }))
    .sort((one, other) =>
      one.ends === other.ends ? (one.id < other.id ? -1 : 1) : one.ends > other.ends ? -1 : 1,
    )
    .map(({ id }) => id);
}
