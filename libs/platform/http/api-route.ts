import { createParamDecorator, type ExecutionContext, type Type } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { readJsonBody, readQuery } from './members.js';
import type { Answer } from './schema.js';

/** The metadata of a route of an API: by it requests are read, and its reference is made of it. */
export const API_ROUTE = 'core-auth:api-route';

/** What a route takes and answers. */
export interface ApiRoute {
  /** One sentence without an end. */
  readonly summary: string;
  readonly body?: Type<object>;
  readonly query?: Type<object>;
  /** What a success brings; undefined for none. */
  readonly answer?: Answer;
}

function routeOf(context: ExecutionContext): ApiRoute {
  return Reflect.getMetadata(API_ROUTE, context.getHandler()) as ApiRoute;
}

/** The body, as the route's class; a member that the class has not is refused. */
export const JsonBody = createParamDecorator((_: unknown, context: ExecutionContext) =>
  readJsonBody(routeOf(context).body, context.switchToHttp().getRequest<FastifyRequest>()),
);

/** The query, as the route's class; a parameter that the class has not is refused. */
export const QueryOf = createParamDecorator((_: unknown, context: ExecutionContext) =>
  readQuery(routeOf(context).query, context.switchToHttp().getRequest<FastifyRequest>()),
);
