import 'reflect-metadata';
import { RequestMethod } from '@nestjs/common';
import { HTTP_CODE_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ROUTE_POLICY, type RoutePolicy } from '#platform';
import { ADMINISTRATION_CONTROLLERS } from './administration.js';
import { ADMINISTRATION_ROUTE } from './authority.guard.js';
import type { AdministrationRoute } from './route.js';

/** A route of the administration as its reference tells it. */
export interface DescribedRoute extends AdministrationRoute {
  /** Its own: `Licenses_list`. */
  readonly name: string;
  /** `GET` and so on. */
  readonly method: string;
  /** With its parameters in braces: `/v1/licenses/{id}`. */
  readonly path: string;
  readonly scope: string;
  /** Of a success. */
  readonly status: number;
}

/** All of them, as the controllers declare them. */
export function administrationRoutes(): DescribedRoute[] {
  return ADMINISTRATION_CONTROLLERS.flatMap((controller) => {
    const prototype = controller.prototype as object;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler: unknown = Reflect.get(prototype, name);
      if (typeof handler !== 'function') return [];
      const route = read<AdministrationRoute | undefined>(ADMINISTRATION_ROUTE, handler);
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
  return {
    method: RequestMethod[read<RequestMethod>(METHOD_METADATA, handler)],
    path: `/${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    scope: policy.kind === 'bearer' ? policy.scope : '',
    status: read<number | undefined>(HTTP_CODE_METADATA, handler) ?? 200,
  };
}

function read<Value>(key: string, of: object): Value {
  return Reflect.getMetadata(key, of) as Value;
}
