export * from '@core-auth/module-kit/licensing';
export { AnnouncementRepository } from './announcements/announcement.repository.js';
export type {
  Module,
  ModuleAccess,
  NewFeature,
  NewModule,
  NewPlanVersion,
  PlanFeatures,
  PlanVersion,
  RolePermissions,
  ScopeRoles,
} from './catalog.js';
export { RESERVED_MODULE_KEYS, ROLES } from './catalog.js';
export { CatalogRepository } from './catalog.repository.js';
export { sentenceOfDecision } from './check/decision-sentences.js';
export { LicenseSnapshots } from './license-snapshots.js';
export type {
  ChangeCondition,
  LicenseChange,
  LicenseDetails,
  NewLicense,
  NewOverride,
  TermsDetails,
} from './license.js';
export { LicenseRepository } from './license.repository.js';
export { LicensingModule } from './licensing.module.js';
export {
  LicenseOverviewRepository,
  type LicenseOverview,
  type SeatHolder,
} from './license-overview.repository.js';
export {
  LicenseBoughtRepository,
  type BoughtFeature,
  type BoughtLicense,
  type ComingTerms,
  type FeatureOverride,
} from './license-bought.repository.js';
export { LicenseDetailsRepository } from './license-details.repository.js';
export { readLicenseSnapshot } from './license-snapshot.repository.js';
export type { Renewal, TermsChange } from './license-terms.js';
export { LicenseTermsRepository } from './license-terms.repository.js';
export { TrialRepository, type NewTrial } from './trial.repository.js';
export { PlanRepository, type PlanAdoption } from './plan.repository.js';
export {
  HistoryRepository,
  type PastLicense,
  type TimelineEntry,
  type TimelinePage,
} from './history.repository.js';
export type { DayUse } from './usage/usage-report.js';
export { UsageReportRepository, type LicenseUse, type PresentUse } from './usage/usage-report.repository.js';
export type { UsageAnswer, UsageRecord } from './usage/usage.js';
export { UsageRepository } from './usage/usage.repository.js';
export { SeatRepository } from './seats/seat.repository.js';
export {
  SeatsExhausted,
  seatsInUse,
  type AssignedSeat,
  type SeatCount,
  type SeatStanding,
  type SeatWay,
} from './seats/seat.js';
export { dropExpired, lockLicensesBeside, seatStanding } from './seats/seat-standing.repository.js';
export { SeatImportRepository, type ImportTarget } from './seats/seat-import.repository.js';
export {
  MOST_IMPORT_BYTES,
  MOST_IMPORT_LINES,
  readImport,
  type ImportLine,
  type ImportOutcome,
  type ImportResult,
} from './seats/seat-import.js';
export {
  SeatReservationRepository,
  type ConvertedSeat,
  type Invitation,
  type Reservation,
} from './seats/reservation.repository.js';
export { SeatLeaseRepository, type Lease } from './seats/lease.repository.js';
export type { LeaseHolder } from './seats/lease-writing.repository.js';
export type { NewOfflineGrant, OfflineGrant, ReturnedGrant } from './offline/offline-grant.js';
export { OfflineGrantRepository } from './offline/offline-grant.repository.js';
export { OfflineLicenses, type IssuedLicenseFile } from './offline/offline-licenses.js';
export {
  LICENSING_AUTHORITY,
  LICENSING_ROLES,
  mayAdminister,
  type LicensingAction,
  type LicensingRole,
} from './administration/authority.js';
export {
  LicenseListRepository,
  type GrantedFile,
  type HeldLease,
  type KeptSeat,
} from './administration/license-list.repository.js';
export { MODULE_CONTROLLERS } from './module-routes.js';
export { administrationRoutes, type DescribedRoute } from './administration/routes.js';
