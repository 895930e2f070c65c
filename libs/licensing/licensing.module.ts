import { Module } from '@nestjs/common';
import { CatalogRepository } from './catalog.repository.js';
import { LicenseSnapshots } from './license-snapshots.js';
import { LicenseRepository } from './license.repository.js';
import { LicensingController } from './licensing.controller.js';
import { SeatRepository } from './seat.repository.js';

@Module({
  controllers: [LicensingController],
  providers: [CatalogRepository, LicenseRepository, SeatRepository, LicenseSnapshots],
  exports: [CatalogRepository, LicenseRepository, SeatRepository, LicenseSnapshots],
})
export class LicensingModule {}
