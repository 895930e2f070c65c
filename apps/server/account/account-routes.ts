import type { Type } from '@nestjs/common';
import { API_ROUTE, servedRoutes, type ApiRoute, type RouteAddress } from '#platform';

/** A route of the API of one's own account, as its reference tells it. */
export type DescribedAccountRoute = ApiRoute & RouteAddress;

/** Those of these controllers, by address, as they declare them. @throws Error for one that declares nothing */
export function accountRoutes(controllers: readonly Type<object>[]): DescribedAccountRoute[] {
  const order = ({ path, method }: DescribedAccountRoute) => `${path} ${method}`;
  return servedRoutes(controllers)
    .filter(({ address }) => /^\/v1\/account(\/|$)/.test(address.path))
    .map(({ address, handler }) => {
      const route = Reflect.getMetadata(API_ROUTE, handler) as ApiRoute | undefined;
      if (!route) throw new Error(`${address.method} ${address.path} is not declared by @AccountApi()`);
      return { ...address, ...route };
    })
    .sort((one, other) => (order(one) < order(other) ? -1 : 1));
}
