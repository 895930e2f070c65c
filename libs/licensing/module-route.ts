import { applyDecorators, SetMetadata } from '@nestjs/common';
import { AcceptsJson, API_ROUTE, ClientAuthentication, type Answer, type ApiRoute } from '#platform';

/** By media type. */
export type Contents = Readonly<Record<string, Answer>>;

/** What a module's client asks and is answered, from which its reference is generated. */
export interface ModuleRoute extends ApiRoute {
  /** The body, which the route reads by itself. */
  readonly takes?: Answer;
  /** Whether `Idempotency-Key` is required. */
  readonly idempotencyKey?: boolean;
  /** What a refusal brings, by status; `default` for those that any route may have. */
  readonly refusals: Readonly<Record<string, Contents>>;
}

/** A route for the clients of modules, which authenticate as at the token endpoint; each is told of its own module. */
export function ForModules(route: ModuleRoute): MethodDecorator {
  return applyDecorators(
    SetMetadata(API_ROUTE, route),
    ClientAuthentication(),
    ...(route.takes ? [AcceptsJson()] : []),
  );
}
