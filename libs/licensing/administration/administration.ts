import { CatalogListRepository } from './catalog-list.repository.js';
import { CatalogController } from './catalog.controller.js';
import { HeldSeatsController } from './held-seats.controller.js';
import { HistoryController, TrialsController } from './history.controller.js';
import { LicenseChangesController } from './license-changes.controller.js';
import { LicensesController } from './licenses.controller.js';
import { SeatsController } from './seats.controller.js';
import { UsageExportController } from './usage-export.controller.js';
import { UsageExportRepository } from './usage-export.repository.js';

/** The administration of licensing over HTTP. */
export const ADMINISTRATION_CONTROLLERS = [
  LicensesController,
  LicenseChangesController,
  SeatsController,
  HeldSeatsController,
  UsageExportController,
  HistoryController,
  TrialsController,
  CatalogController,
];

export const ADMINISTRATION_PROVIDERS = [CatalogListRepository, UsageExportRepository];
