import 'reflect-metadata';
import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ROUTE_POLICY, type RoutePolicy } from '#platform';

/** A route of the API of one's own account, as its reference tells it. */
export interface DescribedAccountRoute {
  /** `GET` and so on. */
  readonly method: string;
  /** With its parameters in braces: `/v1/account/sessions/{id}`. */
  readonly path: string;
  readonly scope: string;
  /** Whether the token must be of somebody who signed in a short while ago. */
  readonly recent: boolean;
}

/** Those of these controllers, by address, as they declare them. */
export function accountRoutes(controllers: readonly Type<object>[]): DescribedAccountRoute[] {
  const routes = controllers.flatMap((controller) => {
    const prototype = controller.prototype as object;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler: unknown = Reflect.get(prototype, name);
      const isRoute = typeof handler === 'function' && Reflect.hasMetadata(METHOD_METADATA, handler);
      return isRoute ? [describe(controller, handler)] : [];
    });
  });
  const order = ({ path, method }: DescribedAccountRoute) => `${path} ${method}`;
  return routes
    .filter(({ path }) => /^\/v1\/account(\/|$)/.test(path))
    .sort((one, other) => (order(one) < order(other) ? -1 : 1));
}

function describe(controller: object, handler: object): DescribedAccountRoute {
  const parts = [controller, handler].map((of) => read<string>(PATH_METADATA, of));
  const path = parts.filter((part) => part !== '/').join('/');
  const policy = read<RoutePolicy | undefined>(ROUTE_POLICY, handler);
  const bearer = policy?.kind === 'bearer' ? policy : undefined;
  return {
    method: RequestMethod[read<RequestMethod>(METHOD_METADATA, handler)] ?? '',
    path: `/${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    scope: bearer?.scope ?? '',
    recent: bearer?.strength === 'recent',
  };
}

function read<Value>(key: string, of: object): Value {
  return Reflect.getMetadata(key, of) as Value;
}
