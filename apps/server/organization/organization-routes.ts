import 'reflect-metadata';
import { RequestMethod, type Type } from '@nestjs/common';
import { HTTP_CODE_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ROUTE_POLICY, type RoutePolicy } from '#platform';
import { ORGANIZATION_API_CONTROLLERS } from './api/api-controllers.js';
import { ORGANIZATION_API_ROUTE, type OrganizationApiRoute } from './api/api-route.js';
import { ORGANIZATION_CONTROLLERS } from './organization-controllers.js';
import { ORGANIZATION_ROUTE, type OrganizationRoute } from './organization-route.js';

interface Address {
  /** Of the operation, unique: `PeopleApi_list`. */
  readonly name: string;
  /** `GET`, `POST`, … */
  readonly method: string;
  /** With its parameters in braces: `/organization/people/{userId}/role`. */
  readonly path: string;
  /** Of the token; empty for a page. */
  readonly scope: string;
  /** Of a success that answers itself. */
  readonly status: number;
}

/** A page of an organization as its reference tells it. */
export type DescribedOrganizationRoute = OrganizationRoute & Address;

/** A route of its API. */
export type DescribedOrganizationApiRoute = OrganizationApiRoute & Address;

/** All pages and forms, as the controllers declare them. */
export function organizationRoutes(): DescribedOrganizationRoute[] {
  return routesOf<OrganizationRoute>(ORGANIZATION_CONTROLLERS, ORGANIZATION_ROUTE);
}

/** The whole API. */
export function organizationApiRoutes(): DescribedOrganizationApiRoute[] {
  return routesOf<OrganizationApiRoute>(ORGANIZATION_API_CONTROLLERS, ORGANIZATION_API_ROUTE);
}

function routesOf<Route extends object>(controllers: readonly Type[], metadata: string): (Route & Address)[] {
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as object;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler: unknown = Reflect.get(prototype, name);
      if (typeof handler !== 'function') return [];
      const route = read<Route | undefined>(metadata, handler);
      if (!route) return [];
      const own = `${controller.name.replace(/Controller$/, '')}_${name}`;
      return [{ ...route, name: own, ...addressOf(controller, handler) }];
    });
  });
}

function addressOf(controller: object, handler: object) {
  const parts = [read<string>(PATH_METADATA, controller), read<string>(PATH_METADATA, handler)];
  const path = parts.filter((part) => part !== '/').join('/');
  const policy = read<RoutePolicy>(ROUTE_POLICY, handler);
  const method = read<RequestMethod>(METHOD_METADATA, handler);
  return {
    method: RequestMethod[method] ?? '',
    path: `/${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    scope: policy.kind === 'bearer' ? policy.scope : '',
    status:
      read<number | undefined>(HTTP_CODE_METADATA, handler) ?? (method === RequestMethod.POST ? 201 : 200),
  };
}

function read<Value>(key: string, of: object): Value {
  return Reflect.getMetadata(key, of) as Value;
}
