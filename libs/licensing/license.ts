import type { FeatureValue, LicenseStatus, SeatModel } from '@core-auth/module-kit/licensing';

export interface NewLicense {
  /** A random UUID unless told. */
  readonly id?: string;
  readonly organizationId: string;
  readonly moduleKey: string;
  readonly planVersionId: string;
  /** The module's own unless told. */
  readonly environment?: string;
  readonly startsAt: Date;
  /** Exclusive: the instant computed once from the last day and a time zone; null has no end. */
  readonly endsAt: Date | null;
  readonly graceDays: number;
  readonly seatModel: SeatModel;
  /** Null exactly when seats are unlimited. */
  readonly seatLimit: number | null;
  readonly trial: boolean;
}

/** A change that was made, and the organization's license version since then. */
export interface LicenseChange {
  readonly licenseId: string;
  readonly version: number;
}

/** Beats the plan for one license and feature during `[startsAt, endsAt)`. */
export interface NewOverride {
  readonly licenseId: string;
  readonly feature: string;
  readonly value: FeatureValue | 'REMOVED';
  readonly startsAt: Date;
  readonly endsAt: Date | null;
}

const longestGrace = 3650;

/** What is wrong with the terms of a license, as a sentence; undefined when nothing is. */
export function licenseProblem(license: NewLicense): string | undefined {
  const { startsAt, endsAt, graceDays, seatModel, seatLimit } = license;
  if (endsAt && endsAt <= startsAt) return 'A license ends after it starts.';
  if (!Number.isInteger(graceDays) || graceDays < 0 || graceDays > longestGrace) {
    return `The grace is a whole number of days from 0 to ${longestGrace}.`;
  }
  // a floating seat is a lease, and nothing here gives leases: nobody could use such a license
  if (seatModel === 'floating') return 'Floating seats cannot be sold.';
  if (seatModel === 'unlimited') return seatLimit === null ? undefined : 'Unlimited seats have no limit.';
  return seatLimit !== null && Number.isInteger(seatLimit) && seatLimit >= 0
    ? undefined
    : 'The seat limit is a whole number from 0 up.';
}

const names: Readonly<Record<LicenseStatus, string>> = {
  draft: 'a draft',
  issued: 'issued',
  suspended: 'suspended',
  cancelled: 'cancelled',
  revoked: 'revoked',
};

/** Why a transition was refused, for a person. */
export function transitionProblem(from: LicenseStatus, to: LicenseStatus): string {
  return `This license is ${names[from]} and cannot become ${names[to]}.`;
}
