import type { SnapshotOverride } from '@core-auth/module-kit/licensing';
import type { LicenseDetails, TermsDetails } from './license.js';

/** An audit row about licensing, in the order of its id. */
export interface AuditedAct {
  readonly act: string;
  /** The license, or the organization itself. */
  readonly target: string;
  readonly occurredAt: Date;
  /** As the change wrote it down. */
  readonly detail: unknown;
}

/** What an organization had at an instant. */
export interface LicensingHistory {
  readonly suspended: boolean;
  readonly licenses: ReadonlyMap<string, LicenseDetails>;
  /**
   * Licenses of which audit rows do not say enough, as those from before histories were kept do not: what is said about
   * them here, if anything, is not whole.
   */
  readonly unreadable: ReadonlySet<string>;
}

export const NO_HISTORY: LicensingHistory = {
  suspended: false,
  licenses: new Map(),
  unreadable: new Set(),
};

/** The acts that the history is made of; others leave what an organization has bought as it is. */
export const HISTORIC_ACTS = [
  ...['license.issue', 'license.draft', 'license.start-trial', 'license.change-status', 'license.renew'],
  ...['license.convert-trial', 'license.change-terms', 'license.cancel-change'],
  ...['license.override', 'license.end-override', 'license.remove-override'],
  ...['seat.assign', 'seat.release', 'organization.suspend', 'organization.resume'],
] as const;

/**
 * The state after these acts, from the state before them: the same as the tables were. It depends on its arguments
 * alone, and replaying in several pieces is replaying the whole.
 */
export function replay(before: LicensingHistory, acts: readonly AuditedAct[]): LicensingHistory {
  const licenses = new Map(before.licenses);
  const unreadable = new Set(before.unreadable);
  let { suspended } = before;
  for (const { act, target, detail } of acts) {
    if (act === 'organization.suspend' || act === 'organization.resume') {
      suspended = act === 'organization.suspend';
      continue;
    }
    const after = licenseAfter(licenses.get(target), act, target, record(detail));
    if (after === 'unreadable') unreadable.add(target);
    else if (after) licenses.set(target, after);
  }
  return { suspended, licenses, unreadable };
}

type Detail = Readonly<Record<string, unknown>>;

function licenseAfter(
  license: LicenseDetails | undefined,
  act: string,
  id: string,
  detail: Detail,
): LicenseDetails | 'unreadable' | undefined {
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
      return { ...license, overrides: overridden(license, detail['override']), version };
    case 'license.end-override':
    case 'license.remove-override':
      return { ...license, overrides: lessOverridden(license, act, detail), version };
    case 'seat.assign':
    case 'seat.release':
      return { ...license, seats: seated(license, act, detail['user']) };
    default:
      return undefined;
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

function overridden({ overrides }: LicenseDetails, override: unknown): SnapshotOverride[] {
  const set = override as SnapshotOverride;
  const others = overrides.filter(({ feature }) => feature !== set.feature);
  return [...others, set].toSorted((one, other) => (one.feature < other.feature ? -1 : 1));
}

function lessOverridden({ overrides }: LicenseDetails, act: string, detail: Detail): SnapshotOverride[] {
  const { feature, endsAt } = detail as { feature: string; endsAt?: string };
  return act === 'license.remove-override'
    ? overrides.filter((one) => one.feature !== feature)
    : overrides.map((one) => (one.feature === feature ? { ...one, endsAt: endsAt ?? null } : one));
}

function seated({ seats }: LicenseDetails, act: string, user: unknown): string[] {
  const others = seats.filter((one) => one !== user);
  return act === 'seat.assign' ? [...others, String(user)].toSorted() : others;
}

function record(detail: unknown): Detail {
  return typeof detail === 'object' && detail !== null ? (detail as Detail) : {};
}

/**
 * Of the acts in the order of their ids, those that had come about at an instant. What is audited about one license has
 * been done in that order, whatever the times of the rows say, which transactions that waited for each other write
 * down out of order: after the first that was still to come, none of that license counts.
 * @param passed the targets of which one was still to come in an earlier piece; this adds to it
 */
export function actsUntil(acts: readonly AuditedAct[], at: Date, passed: Set<string>): AuditedAct[] {
  return acts.filter(({ target, occurredAt }) => {
    if (occurredAt > at) passed.add(target);
    return !passed.has(target);
  });
}
