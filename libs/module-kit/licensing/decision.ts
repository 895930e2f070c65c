/**
 * Answers that let somebody in. `OK_OVERAGE`: more than was bought of a metered feature, which is billed. `OK_STALE` is
 * a guard's: its last verified allow while Core Auth is away.
 */
export type AllowCode = 'OK' | 'OK_GRACE' | 'OK_OVERAGE' | 'OK_STALE';

/** Of a license file, where there is no network. */
export type OfflineDenyCode =
  | 'OFFLINE_BAD_SIGNATURE'
  | 'OFFLINE_UNKNOWN_KEY'
  | 'OFFLINE_WRONG_INSTANCE'
  | 'OFFLINE_EXPIRED'
  | 'CLOCK_ROLLBACK';

export type DenyCode =
  | 'ORG_CONTEXT_REQUIRED'
  | 'ORG_SUSPENDED'
  | 'MODULE_UNKNOWN'
  | 'ENV_MISMATCH'
  | 'NO_LICENSE'
  | 'NOT_STARTED'
  | 'SUSPENDED'
  | 'REVOKED'
  | 'CANCELLED'
  | 'TRIAL_ENDED'
  | 'EXPIRED'
  | 'SEAT_REQUIRED'
  | 'SEATS_EXHAUSTED'
  | 'OVER_ALLOCATED'
  | 'LEASE_EXPIRED'
  | 'FEATURE_NOT_INCLUDED'
  | 'LIMIT_EXCEEDED'
  | OfflineDenyCode
  | 'QUOTA_EXCEEDED'
  | 'CHECK_UNAVAILABLE';

export type DecisionCode = AllowCode | DenyCode;

/** The HTTP status that carries each code. */
export const httpStatusOfDecision: Readonly<Record<DecisionCode, 200 | 403 | 429 | 503>> = {
  OK: 200,
  OK_GRACE: 200,
  OK_OVERAGE: 200,
  OK_STALE: 200,
  ORG_CONTEXT_REQUIRED: 403,
  ORG_SUSPENDED: 403,
  MODULE_UNKNOWN: 403,
  ENV_MISMATCH: 403,
  NO_LICENSE: 403,
  NOT_STARTED: 403,
  SUSPENDED: 403,
  REVOKED: 403,
  CANCELLED: 403,
  TRIAL_ENDED: 403,
  EXPIRED: 403,
  SEAT_REQUIRED: 403,
  SEATS_EXHAUSTED: 403,
  OVER_ALLOCATED: 403,
  LEASE_EXPIRED: 403,
  FEATURE_NOT_INCLUDED: 403,
  LIMIT_EXCEEDED: 403,
  OFFLINE_BAD_SIGNATURE: 403,
  OFFLINE_UNKNOWN_KEY: 403,
  OFFLINE_WRONG_INSTANCE: 403,
  OFFLINE_EXPIRED: 403,
  CLOCK_ROLLBACK: 403,
  QUOTA_EXCEEDED: 429,
  CHECK_UNAVAILABLE: 503,
};

/** The environment of modules and licenses that name no other. */
export const defaultEnvironment = 'production';

export interface DecisionQuestion {
  /** The person; null for a machine client, which acts for the organization and takes no seat. */
  readonly userId: string | null;
  readonly module: string;
  readonly environment: string;
  readonly feature?: string;
  /** For a limit or metered use: how many more are wanted; a whole number, 1 unless told. */
  readonly amount?: number;
  /** How many are in use already, or were used up in this period; a whole number, 0 unless told. */
  readonly current?: number;
  /** Floating seats that the person holds, or held until lately; absent when they hold none. */
  readonly leases?: readonly HeldSeat[];
}

/** A floating seat of a person. */
export interface HeldSeat {
  /** The license whose seat it is, so that it opens no other one; without it, every one with floating seats. */
  readonly licenseId?: string;
  /** Exclusive. */
  readonly until: Date;
}

export interface Decision {
  readonly allow: boolean;
  readonly code: DecisionCode;
  /** The license that the answer rests on; null when none was looked at. */
  readonly licenseId: string | null;
  /** The snapshot's version; null without a snapshot. */
  readonly version: number | null;
  readonly decidedAt: Date;
  /** The answer holds for this snapshot until this instant, exclusive; null when time alone never changes it. */
  readonly nextTransitionAt: Date | null;
  /** For a limit or a metered feature: the combined limit; null is unlimited. */
  readonly limit?: number | null;
}
