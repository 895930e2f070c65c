import 'reflect-metadata';
import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ORGANIZATION_CONTROLLERS } from './organization-controllers.js';
import { ORGANIZATION_ROUTE, type OrganizationRoute } from './organization-route.js';

/** A route of an organization as its reference tells it. */
export interface DescribedOrganizationRoute extends OrganizationRoute {
  /** `GET` or `POST`. */
  readonly method: string;
  /** With its parameters in braces: `/organization/people/{userId}/role`. */
  readonly path: string;
}

/** All of them, as the controllers declare them. */
export function organizationRoutes(): DescribedOrganizationRoute[] {
  return ORGANIZATION_CONTROLLERS.flatMap((controller) => {
    const prototype = controller.prototype as object;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler: unknown = Reflect.get(prototype, name);
      if (typeof handler !== 'function') return [];
      const route = read<OrganizationRoute | undefined>(ORGANIZATION_ROUTE, handler);
      if (!route) return [];
      const parts = [read<string>(PATH_METADATA, controller), read<string>(PATH_METADATA, handler)];
      const path = parts.filter((part) => part !== '/').join('/');
      const method = RequestMethod[read<RequestMethod>(METHOD_METADATA, handler)] ?? '';
      return [{ ...route, method, path: `/${path.replaceAll(/:(\w+)/g, '{$1}')}` }];
    });
  });
}

function read<Value>(key: string, of: object): Value {
  return Reflect.getMetadata(key, of) as Value;
}
