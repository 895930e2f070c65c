import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    acceptsJson?: true;
  }
}

/** This route takes `application/json` bodies beside forms; every other route answers them as a type it does not take. */
export const AcceptsJson = (): MethodDecorator => RouteConfig({ acceptsJson: true });

/** Whether the route of a request declares `@AcceptsJson()`. */
export function acceptsJson({ routeOptions }: Pick<FastifyRequest, 'routeOptions'>): boolean {
  return routeOptions.config?.acceptsJson === true;
}
