import { createParamDecorator, type ExecutionContext, type Type } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { readJsonBody } from '#platform';

/** The body of a request, as a class of class-validator rules; a member that the class has not is refused. */
export const JsonBody = createParamDecorator((type: Type<object>, context: ExecutionContext) =>
  readJsonBody(type, context.switchToHttp().getRequest<FastifyRequest>()),
);
