import { decide } from './decide.js';
import type { DecisionQuestion } from './decision.js';
import { featureValue } from './feature.js';
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

/** As if it lasted for ever: a seat that is about to be taken. */
const TAKEN = new Date(8_640_000_000_000_000);

/**
 * The licenses of which one seat is to be taken next, the best first, so that in the end the person may do what is
 * asked; none when no further seat helps. A license that lets them in without a seat, or on the seat that they have,
 * takes nothing away that a seat of another one gives.
 */
export function nextSeats(
  snapshot: LicenseSnapshot,
  question: DecisionQuestion,
  now: Date,
): readonly string[] {
  const { leases = [] } = question;
  const { code } = decide(snapshot, question, now);
  const seatless = code === 'SEAT_REQUIRED' || code === 'LEASE_EXPIRED';
  if (!seatless && code !== 'FEATURE_NOT_INCLUDED' && code !== 'LIMIT_EXCEEDED') return [];
  const held = new Set(leases.filter(({ until }) => now < until).map(({ licenseId }) => licenseId));
  const free = leasableLicenses(snapshot, question, now).filter((id) => !held.has(id));
  const allowedBy = (...licenseIds: string[]) => {
    const taken = licenseIds.map((licenseId) => ({ licenseId, until: TAKEN }));
    return decide(snapshot, { ...question, leases: [...leases, ...taken] }, now).allow;
  };
  const enough = free.filter((id) => allowedBy(id));
  if (seatless) return [...enough, ...free.filter((id) => !enough.includes(id))];
  if (enough.length > 0) return enough;
  return allowedBy(...free) ? free.filter((id) => includes(snapshot, question, id, now)) : [];
}

function includes(
  snapshot: LicenseSnapshot,
  { module: moduleKey, feature }: DecisionQuestion,
  licenseId: string,
  now: Date,
): boolean {
  const definition = snapshot.modules
    .find(({ key }) => key === moduleKey)
    ?.features.find(({ key }) => key === feature);
  const license = snapshot.licenses.find(({ id }) => id === licenseId);
  return Boolean(definition && license && featureValue(license, definition, now.getTime()) !== undefined);
}
