import { httpStatusOfDecision, type Decision, type DecisionQuestion, type DenyCode } from './decision.js';
import { graceEnd, isTerminal, licenseState, stateBoundaries, type LicenseState } from './license-state.js';
import { featureValue, limitOf, overrideBoundaries } from './feature.js';
import { blockEnds, leaseEnds, seatingOf } from './seat.js';
import type { FeatureDefinition, LicenseSnapshot, SnapshotLicense } from './snapshot.js';
import { termsBoundaries } from './terms.js';

interface Outcome {
  readonly code: 'OK' | 'OK_GRACE' | 'OK_OVERAGE' | DenyCode;
  readonly licenseId: string | null;
  readonly limit?: number | null;
}

interface DatedLicense {
  readonly license: SnapshotLicense;
  readonly state: LicenseState;
}

/**
 * What an organization's licenses say to one question at one instant; it depends on its arguments alone.
 *
 * Order: organization, module and environment, organization state, effective licenses, seat, then the feature
 * combined over the licenses this person may use (a feature bought with five seats is for those five).
 *
 * When every license denies, the answer is the denial nearest to being allowed, which is what its reader can act
 * on: QUOTA_EXCEEDED or LIMIT_EXCEEDED, FEATURE_NOT_INCLUDED, LEASE_EXPIRED, SEAT_REQUIRED, OVER_ALLOCATED,
 * NOT_STARTED, SUSPENDED, EXPIRED, TRIAL_ENDED, CANCELLED, REVOKED, ENV_MISMATCH, NO_LICENSE. Of equals, the license
 * whose access ends last, then the smallest id. One license by itself denies with what is hardest to undo, so an
 * over-allocated license that has expired is EXPIRED.
 *
 * @param snapshot undefined when the token names no organization, or one that does not exist.
 * @throws RangeError when `amount` or `current` is not a whole number from 0 up.
 */
export function decide(
  snapshot: LicenseSnapshot | undefined,
  question: DecisionQuestion,
  now: Date,
): Decision {
  const wanted = wholeNumber('current', question.current ?? 0) + wholeNumber('amount', question.amount ?? 1);
  const at = now.getTime();
  const outcome = snapshot ? judge(snapshot, question, wanted, at) : deny('ORG_CONTEXT_REQUIRED');
  return {
    allow: httpStatusOfDecision[outcome.code] === 200,
    ...outcome,
    version: snapshot?.version ?? null,
    decidedAt: new Date(at),
    nextTransitionAt: snapshot ? nextTransition(snapshot, question, at) : null,
  };
}

function judge(snapshot: LicenseSnapshot, question: DecisionQuestion, wanted: number, at: number): Outcome {
  const module = snapshot.modules.find(({ key }) => key === question.module);
  if (!module) return deny('MODULE_UNKNOWN');
  if (module.environment !== question.environment) return deny('ENV_MISMATCH');
  if (snapshot.organization.state === 'suspended') return deny('ORG_SUSPENDED');

  const sold = licensesFor(snapshot, question.module);
  if (sold.length === 0) return deny('NO_LICENSE');
  const dated = sold
    .filter(({ environment }) => environment === question.environment)
    .flatMap((license) => {
      const state = licenseState(license, at);
      return state ? [{ license, state }] : [];
    });
  if (dated.length === 0) return deny('ENV_MISMATCH');

  const effective = dated.filter(({ state }) => state === 'active' || state === 'grace');
  if (effective.length === 0) return nearestDenial(dated);
  const usable = effective.filter(({ license }) => seatingOf(license, question, at) === 'in');
  if (usable.length === 0) return seatDenial(effective, question, at);
  if (question.feature === undefined) return allow(usable);

  const definition = module.features.find(({ key }) => key === question.feature);
  if (!definition) return deny('FEATURE_NOT_INCLUDED', usable);
  return definition.type === 'boolean'
    ? judgeBoolean(usable, definition, at)
    : judgeCount(usable, definition, wanted, at);
}

function judgeBoolean(usable: DatedLicense[], definition: FeatureDefinition, at: number): Outcome {
  const granting = usable.filter(({ license }) => featureValue(license, definition, at) === true);
  return granting.length > 0 ? allow(granting) : deny('FEATURE_NOT_INCLUDED', usable);
}

function judgeCount(
  usable: DatedLicense[],
  definition: FeatureDefinition,
  wanted: number,
  at: number,
): Outcome {
  const including = usable.filter(({ license }) => featureValue(license, definition, at) !== undefined);
  const limit = limitOf(
    including.map(({ license }) => license),
    definition,
    at,
  );
  if (limit === undefined) return deny('FEATURE_NOT_INCLUDED', usable);
  if (!fits(wanted, limit)) {
    if (definition.type === 'limit') return { ...deny('LIMIT_EXCEEDED', including), limit };
    const billed = including.filter(({ license }) => license.overage === 'allow');
    if (billed.length === 0) return { ...deny('QUOTA_EXCEEDED', including), limit };
    return { code: 'OK_OVERAGE', licenseId: best(billed), limit };
  }
  // In grace only if the licenses still running would not have been enough.
  const active = including.filter(({ state }) => state === 'active');
  const activeLimit = limitOf(
    active.map(({ license }) => license),
    definition,
    at,
  );
  const enough = activeLimit !== undefined && fits(wanted, activeLimit);
  return enough
    ? { ...allow(active), limit }
    : { code: 'OK_GRACE', licenseId: best(including.filter(({ state }) => state === 'grace')), limit };
}

function fits(wanted: number, limit: number | null): boolean {
  return limit === null || wanted <= limit;
}

function allow(licenses: DatedLicense[]): Outcome {
  const active = licenses.filter(({ state }) => state === 'active');
  return active.length > 0
    ? { code: 'OK', licenseId: best(active) }
    : { code: 'OK_GRACE', licenseId: best(licenses) };
}

function deny(code: DenyCode, about: DatedLicense[] = []): Outcome {
  return { code, licenseId: best(about) };
}

function seatDenial(effective: DatedLicense[], question: DecisionQuestion, at: number): Outcome {
  for (const code of ['LEASE_EXPIRED', 'SEAT_REQUIRED'] as const) {
    const those = effective.filter(({ license }) => seatingOf(license, question, at) === code);
    if (those.length > 0) return deny(code, those);
  }
  return deny('OVER_ALLOCATED', effective);
}

function nearestDenial(dated: DatedLicense[]): Outcome {
  const inOrder: [DenyCode, (dated: DatedLicense) => boolean][] = [
    ['NOT_STARTED', ({ state }) => state === 'scheduled'],
    ['SUSPENDED', ({ state }) => state === 'suspended'],
    ['EXPIRED', ({ state, license }) => state === 'expired' && !license.trial],
    ['TRIAL_ENDED', ({ state, license }) => state === 'expired' && license.trial],
    ['CANCELLED', ({ state }) => state === 'cancelled'],
  ];
  for (const [code, applies] of inOrder) {
    const those = dated.filter(applies);
    if (those.length > 0) return deny(code, those);
  }
  return deny('REVOKED', dated);
}

/** The license whose access ends last; of equals the smallest id. Null of none. */
function best(licenses: DatedLicense[]): string | null {
  let found: SnapshotLicense | undefined;
  for (const { license } of licenses) {
    if (!found) found = license;
    const ends = graceEnd(license);
    const foundEnds = graceEnd(found);
    if (ends > foundEnds || (ends === foundEnds && license.id < found.id)) found = license;
  }
  return found?.id ?? null;
}

function licensesFor(snapshot: LicenseSnapshot, module: string): SnapshotLicense[] {
  return snapshot.licenses.filter((license) => license.module === module && license.status !== 'draft');
}

/**
 * The first instant after `at` at which a license, its terms, the seats that are away, the asker's lease, or an override
 * of the feature asked for changes; nothing of a license matters any more once its access has ended.
 */
function nextTransition(snapshot: LicenseSnapshot, question: DecisionQuestion, at: number): Date | null {
  const { module, environment, feature } = question;
  const boundaries = licensesFor(snapshot, module)
    .filter((license) => license.environment === environment && !isTerminal(license))
    .flatMap((license) => {
      const ends = graceEnd(license);
      return [
        ...stateBoundaries(license),
        ...termsBoundaries(license),
        ...leaseEnds(license, question),
        ...blockEnds(license),
        ...(feature === undefined ? [] : overrideBoundaries(license, feature)),
      ].filter((boundary) => boundary <= ends);
    });
  const next = boundaries.reduce((soonest, one) => (one > at && one < soonest ? one : soonest), Infinity);
  return next === Infinity ? null : new Date(next);
}

function wholeNumber(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name} must be a whole number from 0 up, not ${value}`);
  }
  return value;
}
