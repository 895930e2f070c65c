export * from '@core-auth/module-kit/licensing';
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
export { CatalogRepository } from './catalog.repository.js';
export { LicenseSnapshots } from './license-snapshots.js';
export type { LicenseChange, NewLicense, NewOverride } from './license.js';
export { LicenseRepository } from './license.repository.js';
export { LicensingModule } from './licensing.module.js';
export { SeatRepository, type AssignedSeat } from './seat.repository.js';
