import type { SnapshotOverride } from '@core-auth/module-kit/licensing';
import type { LicenseDetails, TermsDetails } from './license.js';

/** An audit row about a license, in the order of its id. */
export interface AuditedAct {
  readonly act: string;
  readonly occurredAt: Date;
  /** As the change wrote it down. */
  readonly detail: unknown;
}

/**
 * As far as a license's acts were replayed: undefined before it was written down; `unreadable` when they do not say
 * enough, as those from before histories were kept do not.
 */
export type Replayed = LicenseDetails | 'unreadable' | undefined;

/** The acts that a license's history is made of; others leave what was bought as it is. */
export const HISTORIC_ACTS = [
  ...['license.issue', 'license.draft', 'license.start-trial', 'license.change-status', 'license.renew'],
  ...['license.convert-trial', 'license.change-terms', 'license.cancel-change'],
  ...['license.override', 'license.end-override', 'license.remove-override', 'seat.assign', 'seat.release'],
] as const;

/**
 * The license after these acts, from what it was before them: the same as the tables were. It depends on its arguments
 * alone, and replaying in several pieces is replaying the whole.
 */
export function replay(id: string, before: Replayed, acts: readonly AuditedAct[]): Replayed {
  let state = before;
  for (const { act, detail } of acts) {
    if (state === 'unreadable') return state;
    // why it was done is no part of what the license is
    state = licenseAfter(state, act, id, { ...record(detail), reason: undefined });
  }
  return state;
}

type Detail = Readonly<Record<string, unknown>>;

function licenseAfter(
  license: LicenseDetails | undefined,
  act: string,
  id: string,
  detail: Detail,
): Replayed {
  if (act === 'license.issue' || act === 'license.draft' || act === 'license.start-trial') {
    return begun(id, detail);
  }
  if (!license) return 'unreadable';
  const version = typeof detail['version'] === 'number' ? detail['version'] : license.version;
  switch (act) {
    case 'license.change-status':
    case 'license.renew':
    case 'license.convert-trial':
      // each of these names the fields that it set
      return { ...license, ...detail, version };
    case 'license.change-terms':
    case 'license.cancel-change':
      return { ...license, terms: detail['terms'] as TermsDetails[], version };
    case 'license.override':
    case 'license.end-override':
    case 'license.remove-override':
      return { ...license, overrides: overridden(license, act, detail), version };
    case 'seat.assign':
    case 'seat.release':
      return { ...license, seats: seated(license, act, detail['user']) };
    default:
      return license;
  }
}

function begun(id: string, detail: Detail): LicenseDetails | 'unreadable' {
  const license = detail['license'];
  if (license === undefined) return 'unreadable';
  return {
    ...(license as Omit<LicenseDetails, 'id' | 'version' | 'overrides' | 'seats'>),
    ...{ id, version: detail['version'] as number, overrides: [], seats: [] },
  };
}

function overridden({ overrides }: LicenseDetails, act: string, detail: Detail): SnapshotOverride[] {
  const { override, overrides: since, ...rest } = detail as OverrideDetail;
  const feature = override?.feature ?? rest.feature;
  const those = overrides.filter((one) => one.feature === feature);
  const others = overrides.filter((one) => one.feature !== feature);
  return [...others, ...(since ?? onlyOverride(those, act, detail))].toSorted((one, other) =>
    one.feature === other.feature ? 0 : one.feature < other.feature ? -1 : 1,
  );
}

interface OverrideDetail {
  readonly feature?: string;
  readonly endsAt?: string;
  readonly override?: SnapshotOverride;
  /** All of the feature since then. */
  readonly overrides?: readonly SnapshotOverride[];
}

/** Of rows from when a feature had one override at most, which do not name those that there are since. */
function onlyOverride(those: readonly SnapshotOverride[], act: string, detail: Detail): SnapshotOverride[] {
  const { override, endsAt = null } = detail as OverrideDetail;
  if (act === 'license.remove-override') return [];
  return override ? [override] : those.map((one) => ({ ...one, endsAt }));
}

function seated({ seats }: LicenseDetails, act: string, user: unknown): readonly string[] {
  const name = String(user);
  const place = placeOf(name, seats);
  const there = seats[place] === name;
  if (there === (act === 'seat.assign')) return seats;
  return there ? seats.toSpliced(place, 1) : seats.toSpliced(place, 0, name);
}

/** Where a name is among sorted ones, or would be: a license may have as many seat acts as seats. */
function placeOf(name: string, sorted: readonly string[]): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function record(detail: unknown): Detail {
  return typeof detail === 'object' && detail !== null ? (detail as Detail) : {};
}

/**
 * Of a license's acts in the order of their ids, those that had come about at an instant. They have been done in that
 * order, whatever the times of the rows say, which transactions that waited for each other write down out of order:
 * after the first that was still to come none counts.
 */
export function actsUntil(acts: readonly AuditedAct[], at: Date): readonly AuditedAct[] {
  const next = acts.findIndex(({ occurredAt }) => occurredAt > at);
  return next < 0 ? acts : acts.slice(0, next);
}
