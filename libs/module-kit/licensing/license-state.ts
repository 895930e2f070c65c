import type { SnapshotLicense } from './snapshot.js';

/** A license's state at an instant: what is stored, or what the clock makes of an issued license. */
export type LicenseState =
  'scheduled' | 'active' | 'grace' | 'expired' | 'suspended' | 'cancelled' | 'revoked';

const dayInMilliseconds = 86_400_000;

/** When access ends for good: `endsAt` plus the grace, in days of exactly 24 hours; infinite without an end. */
export function graceEnd(license: Pick<SnapshotLicense, 'endsAt' | 'graceDays'>): number {
  return license.endsAt === null
    ? Infinity
    : Date.parse(license.endsAt) + license.graceDays * dayInMilliseconds;
}

/**
 * The state over the half-open intervals `[startsAt, endsAt)` and `[endsAt, endsAt + grace)`. What cannot be
 * undone comes first: a suspension does not stop the clock, so a suspended license still expires.
 * Undefined for a draft, which nobody has bought.
 */
export function licenseState(
  license: Pick<SnapshotLicense, 'status' | 'startsAt' | 'endsAt' | 'graceDays'>,
  at: number,
): LicenseState | undefined {
  if (license.status === 'draft') return undefined;
  if (license.status === 'revoked' || license.status === 'cancelled') return license.status;
  if (at >= graceEnd(license)) return 'expired';
  if (license.status === 'suspended') return 'suspended';
  if (at < Date.parse(license.startsAt)) return 'scheduled';
  return license.endsAt !== null && at >= Date.parse(license.endsAt) ? 'grace' : 'active';
}

/** Cancelled and revoked absorb: neither time nor anybody changes them. */
export function isTerminal({ status }: SnapshotLicense): boolean {
  return status === 'cancelled' || status === 'revoked';
}

/** The instants at which the state of a license that is not terminal changes, in no order. */
export function stateBoundaries(license: SnapshotLicense): number[] {
  const starts = Date.parse(license.startsAt);
  return license.endsAt === null ? [starts] : [starts, Date.parse(license.endsAt), graceEnd(license)];
}
