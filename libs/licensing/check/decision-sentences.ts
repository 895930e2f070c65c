import type { DecisionCode } from '@core-auth/module-kit/licensing';

/** What each code of a decision says, for whoever reads an answer or the guide. */
export const sentenceOfDecision: Readonly<Record<DecisionCode, string>> = {
  OK: 'Allowed.',
  OK_GRACE: 'Allowed: the license has ended and its grace has not.',
  OK_OVERAGE: 'Allowed: more is used than was bought, and is billed.',
  OK_STALE: 'Allowed by what a guard knew last, while Core Auth is away.',
  ORG_CONTEXT_REQUIRED:
    'The token names no organization, or one that does not exist or that the person does not belong to.',
  ORG_SUSPENDED: 'The organization is suspended.',
  MODULE_UNKNOWN: 'There is no such module.',
  ENV_MISMATCH: 'The module, or what was bought of it, is for another environment.',
  NO_LICENSE: 'The organization has no license for the module.',
  NOT_STARTED: 'The license has not started yet.',
  SUSPENDED: 'The license is suspended.',
  REVOKED: 'The license was revoked.',
  CANCELLED: 'The license was cancelled.',
  TRIAL_ENDED: 'The trial has ended.',
  EXPIRED: 'The license has expired, and so has its grace.',
  SEAT_REQUIRED: 'The person holds no seat of the license.',
  SEATS_EXHAUSTED: 'All seats of the license are taken.',
  OVER_ALLOCATED: 'More people hold seats than were bought, and this person is not among the first.',
  LEASE_EXPIRED: 'The floating seat of the person was not renewed in time.',
  FEATURE_NOT_INCLUDED: 'The plan does not include the feature.',
  LIMIT_EXCEEDED: 'The plan does not allow as many.',
  OFFLINE_BAD_SIGNATURE: 'The license file is not signed by a key that signs license files.',
  OFFLINE_UNKNOWN_KEY: 'The license file is signed by a key that the verifier does not know.',
  OFFLINE_WRONG_INSTANCE: 'The license file is for another instance.',
  OFFLINE_EXPIRED: 'The license file has expired.',
  CLOCK_ROLLBACK: 'The clock, or the license file, is older than what was seen before.',
  QUOTA_EXCEEDED: 'What was bought for this period is used up.',
  CHECK_UNAVAILABLE: 'Nobody can tell at the moment; try again soon.',
};
