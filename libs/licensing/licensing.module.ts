import { Module } from '@nestjs/common';
import { AccountsModule } from '#accounts';
import { TokensModule } from '#tokens';
import { ADMINISTRATION_CONTROLLERS, ADMINISTRATION_PROVIDERS } from './administration/administration.js';
import { LicenseListRepository } from './administration/license-list.repository.js';
import { AnnouncementRepository } from './announcements/announcement.repository.js';
import { Announcer } from './announcements/announcer.js';
import { CatalogRepository } from './catalog.repository.js';
import { CheckRepository } from './check/check.repository.js';
import { LicenseChecks } from './check/license-checks.js';
import { LicenseSnapshots } from './license-snapshots.js';
import { LicenseRepository } from './license.repository.js';
import { HistoryRepository } from './history.repository.js';
import { LicenseBoughtRepository } from './license-bought.repository.js';
import { LicenseDetailsRepository } from './license-details.repository.js';
import { LicenseOverviewRepository } from './license-overview.repository.js';
import { LicenseTermsRepository } from './license-terms.repository.js';
import { PlanRepository } from './plan.repository.js';
import { TrialRepository } from './trial.repository.js';
import { MODULE_CONTROLLERS } from './module-routes.js';
import { LicenseKeysController } from './offline/license-keys.controller.js';
import { OfflineGrantRepository } from './offline/offline-grant.repository.js';
import { OfflineLicenses } from './offline/offline-licenses.js';
import { SeatLeaseRepository } from './seats/lease.repository.js';
import { SeatReservationRepository } from './seats/reservation.repository.js';
import { SeatImportRepository } from './seats/seat-import.repository.js';
import { SeatReleaseRepository } from './seats/seat-release.repository.js';
import { SeatReleases } from './seats/seat-releases.js';
import { SeatRepository } from './seats/seat.repository.js';
import { UsageReportRepository } from './usage/usage-report.repository.js';
import { UsageRepository } from './usage/usage.repository.js';

/** What others may ask of licensing. */
const DOORS = [
  CatalogRepository,
  HistoryRepository,
  LicenseBoughtRepository,
  LicenseDetailsRepository,
  LicenseListRepository,
  LicenseOverviewRepository,
  LicenseRepository,
  LicenseSnapshots,
  LicenseTermsRepository,
  OfflineGrantRepository,
  OfflineLicenses,
  PlanRepository,
  SeatImportRepository,
  SeatLeaseRepository,
  SeatRepository,
  SeatReservationRepository,
  TrialRepository,
  UsageReportRepository,
  UsageRepository,
];

@Module({
  imports: [AccountsModule, TokensModule],
  controllers: [LicenseKeysController, ...MODULE_CONTROLLERS, ...ADMINISTRATION_CONTROLLERS],
  providers: [
    ...DOORS,
    AnnouncementRepository,
    Announcer,
    CheckRepository,
    LicenseChecks,
    SeatReleaseRepository,
    SeatReleases,
    ...ADMINISTRATION_PROVIDERS,
  ],
  exports: DOORS,
})
export class LicensingModule {}
