import 'reflect-metadata';
import { RequestMethod, type Type } from '@nestjs/common';
import { HTTP_CODE_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ROUTE_POLICY, type RoutePolicy } from './route-policy.js';

/** Where a route is served, and to whom. */
export interface RouteAddress {
  /** Of the operation, unique: `PeopleApi_list`. */
  readonly name: string;
  /** `GET` and so on. */
  readonly method: string;
  /** With its parameters in braces: `/v1/licenses/{id}`. */
  readonly path: string;
  /** Of the token; empty where none is asked for. */
  readonly scope: string;
  /** That is enough of a token for no organization, where it is another. */
  readonly scopeWithoutOrganization?: string | undefined;
  /** Whether the token must be of somebody who signed in a short while ago. */
  readonly recent: boolean;
  /** Of a success. */
  readonly status: number;
}

/** The routes of controllers, as they declare them, in their order. */
export function servedRoutes(
  controllers: readonly Type<object>[],
): { readonly address: RouteAddress; readonly handler: object }[] {
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as object;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler: unknown = Reflect.get(prototype, name);
      if (typeof handler !== 'function' || !Reflect.hasMetadata(METHOD_METADATA, handler)) return [];
      return [{ address: addressOf(controller, handler, name), handler }];
    });
  });
}

/** Those that declare this metadata, with it. */
export function routesOf<Route extends object>(
  controllers: readonly Type<object>[],
  metadata: string,
): (RouteAddress & Route)[] {
  return servedRoutes(controllers).flatMap(({ address, handler }) => {
    const route = read<Route | undefined>(metadata, handler);
    return route ? [{ ...address, ...route }] : [];
  });
}

function addressOf(controller: Type<object>, handler: object, name: string): RouteAddress {
  const parts = [controller, handler].map((of) => read<string>(PATH_METADATA, of));
  const path = parts.filter((part) => part !== '/').join('/');
  const method = read<RequestMethod>(METHOD_METADATA, handler);
  const policy = read<RoutePolicy | undefined>(ROUTE_POLICY, handler);
  const bearer = policy?.kind === 'bearer' ? policy : undefined;
  return {
    name: `${controller.name.replace(/Controller$/, '')}_${name}`,
    method: RequestMethod[method] ?? '',
    path: `/${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    scope: bearer?.scope ?? '',
    scopeWithoutOrganization: bearer?.scopeWithoutOrganization,
    recent: bearer?.strength === 'recent',
    status:
      read<number | undefined>(HTTP_CODE_METADATA, handler) ?? (method === RequestMethod.POST ? 201 : 200),
  };
}

function read<Value>(key: string, of: object): Value {
  return Reflect.getMetadata(key, of) as Value;
}
