import { API_ROUTE, routesOf, type RouteAddress } from '#platform';
import { ORGANIZATION_API_CONTROLLERS } from './api/api-controllers.js';
import type { OrganizationApiRoute } from './api/api-route.js';
import { ORGANIZATION_CONTROLLERS } from './organization-controllers.js';
import { ORGANIZATION_ROUTE, type OrganizationRoute } from './organization-route.js';

/** A page of an organization as its reference tells it. */
export type DescribedOrganizationRoute = OrganizationRoute & RouteAddress;

/** A route of its API. */
export type DescribedOrganizationApiRoute = OrganizationApiRoute & RouteAddress;

/** All pages and forms, as the controllers declare them. */
export function organizationRoutes(): DescribedOrganizationRoute[] {
  return routesOf<OrganizationRoute>(ORGANIZATION_CONTROLLERS, ORGANIZATION_ROUTE);
}

/** The whole API. */
export function organizationApiRoutes(): DescribedOrganizationApiRoute[] {
  return routesOf<OrganizationApiRoute>(ORGANIZATION_API_CONTROLLERS, API_ROUTE);
}
