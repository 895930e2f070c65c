export { decide } from './decide.js';
export {
  defaultEnvironment,
  httpStatusOfDecision,
  type AllowCode,
  type Decision,
  type DecisionCode,
  type DecisionQuestion,
  type DenyCode,
  type HeldSeat,
  type OfflineDenyCode,
} from './decision.js';
export { isFeatureValue } from './feature.js';
export { seatingOf, type Seating } from './seat.js';
export { leasableLicenses, nextSeats } from './leasable.js';
export { licenseState, type LicenseState } from './license-state.js';
export { LicenseSnapshotError, parseLicenseSnapshot } from './parse-snapshot.js';
export { termsAt } from './terms.js';
export {
  limitToModule,
  type FeatureCombine,
  type FeatureDefinition,
  type FeatureType,
  type FeatureValue,
  type Instant,
  type LicenseSnapshot,
  type LicenseStatus,
  type OrganizationState,
  type SeatModel,
  type SnapshotLicense,
  type SnapshotModule,
  type SnapshotOverride,
  type SnapshotTerms,
  type UsagePeriod,
} from './snapshot.js';
export { featureValue } from './feature.js';
export { graceEnd } from './license-state.js';
