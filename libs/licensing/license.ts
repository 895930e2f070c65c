import type {
  FeatureValue,
  Instant,
  LicenseStatus,
  SeatModel,
  SnapshotOverride,
} from '@core-auth/module-kit/licensing';
import { isCalendarDay, isTimeZone } from './license-calendar.js';

export interface NewLicense {
  /** A random UUID unless told. */
  readonly id?: string;
  readonly organizationId: string;
  readonly moduleKey: string;
  readonly planVersionId: string;
  /** The module's own unless told. */
  readonly environment?: string;
  readonly startsAt: Date;
  /** Exclusive; null has no end. Not looked at when there is a `lastDay`. */
  readonly endsAt: Date | null;
  readonly graceDays: number;
  readonly seatModel: SeatModel;
  /** Null exactly when seats are unlimited; at most 1,000,000. */
  readonly seatLimit: number | null;
  /** The one trial that an organization has of a module: a second one is refused. */
  readonly trial: boolean;
  /** The last day that is sold, `2027-12-31`: `endsAt` is computed from it and the time zone, once. */
  readonly lastDay?: string;
  /** An IANA name, whose days and months metered use follows; UTC unless told. */
  readonly timeZone?: string;
  /** Metered use beyond the limit; refused unless told. */
  readonly overage?: 'refuse' | 'allow';
  /** Whether a member without a seat gets a free one on coming; not unless told. */
  readonly seatOnFirstUse?: boolean;
  /** How long a seat that was released goes to nobody else; 0 unless told. */
  readonly seatCooldownSeconds?: number;
  /** How long a floating seat is held without a heartbeat, 30 to 86,400; 300 unless told. */
  readonly leaseSeconds?: number;
  /** Of what was asked, for who asks again under the same id. */
  readonly requestSha256?: string;
  /** Why, as in `Circumstances`. */
  readonly reason?: string | undefined;
}

/** What has to be so for a change to be made; decided by the statement that makes it. */
export interface ChangeCondition {
  /** The license's version that the change was thought of for; another one is 412 `license_changed_meanwhile`. */
  readonly expectedVersion?: number | undefined;
  /** Whose license it is; another organization's is as unknown as one that does not exist. */
  readonly organizationId?: string | undefined;
}

/** In which a change is made. */
export interface Circumstances extends ChangeCondition {
  /** Why, in the words of who does it: 1 to 500 characters, which the history keeps. */
  readonly reason?: string | undefined;
}

/** A change that was made. */
export interface LicenseChange {
  readonly licenseId: string;
  /** The organization's license version since then. */
  readonly version: number;
  /** The license's own version since then, for its next `expectedVersion`. */
  readonly licenseVersion: number;
  /** What whoever made it should know, as a sentence. */
  readonly notice?: string;
}

/** Beats the plan for one license and feature during `[startsAt, endsAt)`. */
export interface NewOverride {
  readonly licenseId: string;
  readonly feature: string;
  readonly value: FeatureValue | 'REMOVED';
  readonly startsAt: Date;
  readonly endsAt: Date | null;
}

/** What a license gives from an instant on, by the plan version's id. */
export interface TermsDetails {
  readonly effectiveAt: Instant;
  readonly planVersionId: string;
  readonly seatModel: SeatModel;
  readonly seatLimit: number | null;
  readonly surplusUntil: Instant | null;
}

/** A license as it is sold and as it is remembered: all that its history has to give back. */
export interface LicenseDetails {
  readonly id: string;
  readonly module: string;
  readonly environment: string;
  readonly status: LicenseStatus;
  /** Rises with every change of the license itself, not with its seats. */
  readonly version: number;
  readonly startsAt: Instant;
  readonly endsAt: Instant | null;
  readonly lastDay: string | null;
  readonly timeZone: string;
  readonly graceDays: number;
  readonly trial: boolean;
  readonly overage: 'refuse' | 'allow';
  readonly seatOnFirstUse: boolean;
  readonly seatCooldownSeconds: number;
  readonly leaseSeconds: number;
  /** The earliest first; the last that has begun holds. */
  readonly terms: readonly TermsDetails[];
  /** By feature, the earliest first; none of a feature overlaps another. */
  readonly overrides: readonly SnapshotOverride[];
  /** Users who hold a named seat, by id. */
  readonly seats: readonly string[];
}

const LONGEST_GRACE = 3650;
const MOST_SEATS = 1_000_000;
const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(3000, 0, 1);

/** What is wrong with a license to be sold, as a sentence; undefined when nothing is. */
export function licenseProblem(license: NewLicense): string | undefined {
  const { startsAt, endsAt, lastDay, graceDays, seatModel, seatLimit, timeZone = 'UTC' } = license;
  const { overage = 'refuse', seatCooldownSeconds = 0, leaseSeconds = 300 } = license;
  if (!isDatable(startsAt)) return 'A license starts between the years 2000 and 2999.';
  if (!isTimeZone(timeZone)) return 'The time zone is an IANA name such as Europe/Berlin.';
  const term = termProblem(lastDay, endsAt) ?? graceProblem(graceDays) ?? seatsProblem(seatModel, seatLimit);
  if (term) return term;
  if (lastDay === undefined && endsAt && endsAt <= startsAt) return 'A license ends after it starts.';
  if (overage !== 'refuse' && overage !== 'allow') return 'Use beyond the limit is refused or allowed.';
  if (!isWithin(seatCooldownSeconds, 0, 31_536_000)) {
    return 'A released seat cools down for a whole number of seconds, at most 31536000, which is a year.';
  }
  return isWithin(leaseSeconds, 30, 86_400)
    ? undefined
    : 'A floating seat is leased for a whole number of seconds from 30 to 86400.';
}

/** As licenseProblem, for when it ends. */
export function termProblem(lastDay: string | undefined, endsAt: Date | null): string | undefined {
  if (lastDay !== undefined) {
    return isCalendarDay(lastDay)
      ? undefined
      : 'The last day is a day of the calendar such as 2027-12-31, between the years 2000 and 2999.';
  }
  return endsAt === null || isDatable(endsAt)
    ? undefined
    : 'A license ends between the years 2000 and 2999, or never.';
}

/** As licenseProblem, for the grace. */
export function graceProblem(graceDays: number): string | undefined {
  return isWithin(graceDays, 0, LONGEST_GRACE)
    ? undefined
    : `The grace is a whole number of days from 0 to ${LONGEST_GRACE}.`;
}

/** As licenseProblem, for the seats. */
export function seatsProblem(seatModel: SeatModel, seatLimit: number | null): string | undefined {
  if (!['named', 'floating', 'unlimited'].includes(seatModel)) {
    return 'Seats are named, floating or unlimited.';
  }
  if (seatModel === 'unlimited') return seatLimit === null ? undefined : 'Unlimited seats have no limit.';
  return seatLimit !== null && isWithin(seatLimit, 0, MOST_SEATS)
    ? undefined
    : `The seat limit is a whole number from 0 to ${MOST_SEATS}.`;
}

/** What is wrong with the validity of an override, as a sentence; undefined when nothing is. */
export function overrideTermProblem({ startsAt, endsAt }: Pick<NewOverride, 'startsAt' | 'endsAt'>) {
  if (!isDatable(startsAt) || (endsAt && !isDatable(endsAt))) {
    return 'An override starts and ends between the years 2000 and 2999.';
  }
  return endsAt && endsAt <= startsAt ? 'An override ends after it starts.' : undefined;
}

/** Whether an instant can be written down: four digits for the year, everywhere. */
export function isDatable(instant: Date): boolean {
  const time = instant.getTime();
  return time >= EARLIEST && time < LATEST;
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
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
