import type { FeatureValue, TermsDetails } from '#licensing';
import { seatsWords, valueWords } from './license-words.js';

const sentences: Readonly<Record<string, string>> = {
  'license.draft': 'Drafted',
  'license.issue': 'Issued',
  'license.start-trial': 'Trial started',
  'license.convert-trial': 'Trial became a purchase',
  'license.renew': 'Renewed',
  'license.change-terms': 'Plan or seats changed',
  'license.limit-seats': 'Limited to a million seats',
  'license.cancel-change': 'Planned change cancelled',
  'license.override': 'Feature changed beside the plan',
  'license.end-override': 'Feature change given an end',
  'license.remove-override': 'Feature change removed',
  'seat.assign': 'Seat assigned',
  'seat.release': 'Seat released',
  'seat.reserve': 'Seat reserved for an invitation',
  'seat.cancel-reservation': 'Reserved seat given back',
  'seat.lease': 'Floating seat taken',
  'seat.release-lease': 'Floating seat given back',
  'offline-grant.issue': 'License file issued',
  'offline-grant.return': 'License file returned',
};

const announced: Readonly<Record<string, string>> = {
  'license-started': 'Began',
  'license-terms-changed': 'New terms took effect',
  'license-ending': 'Announced that the end is near',
  'license-grace': 'Ended; the grace began',
  'license-expired': 'Expired',
};

/**
 * What was done with a license, for a person; an act without words of its own is named by its key.
 * @param nameOf of a person or a plan version, by id
 */
export function licenseActSentence(
  act: string,
  detail: unknown,
  nameOf: (id: string) => string | undefined,
): string {
  const given = record(detail);
  const { user, status, feature, kind, instance, sequence } = given;
  if (act === 'license.announce' && typeof kind === 'string') return announced[kind] ?? kind;
  if (act === 'license.change-status' && typeof status === 'string') return `Became ${status}`;
  const words = sentences[act] ?? act;
  if (typeof user === 'string') return `${words}: ${nameOf(user) ?? user}`;
  if (typeof instance === 'string') return `${words}: number ${String(sequence)} for ${instance}`;
  if (act === 'license.renew' || act === 'license.convert-trial') return `${words}: ${endWords(given)}`;
  const terms = termsOf(given);
  if (terms) return `${words}: ${termsWords(terms, nameOf)}`;
  const override = overrideOf(given);
  if (override) {
    const value = override.removed ? 'not included' : valueWords(override.value);
    return `${words}: ${override.feature}, ${value}`;
  }
  return typeof feature === 'string' ? `${words}: ${feature}` : words;
}

/** The people whom an act is about. */
export function peopleOf(detail: unknown): string[] {
  const { user } = record(detail);
  return typeof user === 'string' ? [user] : [];
}

/** The plan versions that an act is about. */
export function plansOf(detail: unknown): string[] {
  const terms = termsOf(record(detail));
  return terms ? [terms.planVersionId] : [];
}

/** Of a renewal, which names what it has set. */
function endWords({ endsAt, lastDay }: Record<string, unknown>): string {
  if (typeof lastDay === 'string') return `${lastDay} is the last day`;
  return typeof endsAt === 'string' ? `until ${endsAt}` : 'without an end';
}

function termsOf({ after, cancelled }: Record<string, unknown>): TermsDetails | undefined {
  return (after ?? cancelled) as TermsDetails | undefined;
}

function termsWords(terms: TermsDetails, nameOf: (id: string) => string | undefined): string {
  const plan = nameOf(terms.planVersionId) ?? terms.planVersionId;
  return `${plan}; ${seatsWords(terms)}; from ${terms.effectiveAt}`;
}

function overrideOf({ override }: Record<string, unknown>) {
  return override as { feature: string; removed: boolean; value: FeatureValue } | undefined;
}

function record(detail: unknown): Record<string, unknown> {
  return typeof detail === 'object' && detail !== null ? (detail as Record<string, unknown>) : {};
}
