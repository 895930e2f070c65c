import { API_ROUTE, routesOf, type RouteAddress } from '#platform';
import { ADMINISTRATION_CONTROLLERS } from './administration.js';
import type { AdministrationRoute } from './route.js';

/** A route of the administration as its reference tells it. */
export type DescribedRoute = AdministrationRoute & RouteAddress;

/** All of them, as the controllers declare them. */
export function administrationRoutes(): DescribedRoute[] {
  return routesOf<AdministrationRoute>(ADMINISTRATION_CONTROLLERS, API_ROUTE);
}
