export { decide } from './decide.js';
export {
  defaultEnvironment,
  httpStatusOfDecision,
  type AllowCode,
  type Decision,
  type DecisionCode,
  type DecisionQuestion,
  type DenyCode,
} from './decision.js';
export { isFeatureValue } from './feature.js';
export { licenseState, type LicenseState } from './license-state.js';
export { LicenseSnapshotError, parseLicenseSnapshot } from './parse-snapshot.js';
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
} from './snapshot.js';
