import { API_ROUTE, routesOf, type RouteAddress } from '#platform';
import { CheckController } from './check/check.controller.js';
import { LicensingController } from './licensing.controller.js';
import type { ModuleRoute } from './module-route.js';
import { LeaseController } from './seats/lease.controller.js';
import { UsageController } from './usage/usage.controller.js';

/** What modules ask of licensing over HTTP. */
export const MODULE_CONTROLLERS = [CheckController, LicensingController, UsageController, LeaseController];

/** All of their routes, as the controllers declare them. */
export function moduleRoutes(): (ModuleRoute & RouteAddress)[] {
  return routesOf<ModuleRoute>(MODULE_CONTROLLERS, API_ROUTE);
}
