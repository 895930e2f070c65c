import { Injectable, type ExecutionContext } from '@nestjs/common';
import {
  ThrottlerGuard,
  ThrottlerModule,
  type ThrottlerLimitDetail,
  type ThrottlerOptions,
} from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';
import { Configuration, PublicError, RedisConnection, sha256 } from '#platform';
import { SharedThrottlerStorage } from './rate-limit.storage.js';

const MINUTE = 60_000;

/** Which requests count against which limit. */
const LIMITED: Readonly<Record<string, (request: FastifyRequest) => boolean>> = {
  'sign-in': ({ method, routeOptions }) => method === 'POST' && routeOptions.url === '/sign-in',
  token: ({ method, routeOptions }) =>
    /^\/v1\/(events|licenses\/snapshot)$/.test(routeOptions.url ?? '') ||
    (method === 'POST' && /^\/oauth2\/(token|introspect|revoke)$/.test(routeOptions.url ?? '')),
};

/** Limits by address, counted together by all nodes through Redis, and by each node alone without it. */
export function rateLimiting() {
  return ThrottlerModule.forRootAsync({
    inject: [Configuration, RedisConnection],
    useFactory: (configuration: Configuration, redis: RedisConnection) => ({
      throttlers: rateLimits(configuration),
      storage: new SharedThrottlerStorage(redis),
    }),
  });
}

function rateLimits(configuration: Configuration): ThrottlerOptions[] {
  return [
    { name: 'sign-in', ttl: MINUTE, limit: configuration.rateLimitSignIn },
    { name: 'token', ttl: MINUTE, limit: configuration.rateLimitToken },
  ].map((limit) => ({ ...limit, skipIf: (context) => !counts(limit.name, context) }));
}

function counts(name: string, context: ExecutionContext): boolean {
  return LIMITED[name]?.(context.switchToHttp().getRequest<FastifyRequest>()) ?? false;
}

/** Runs before anything is looked at, so that a flood costs one count and no more. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  protected override getTracker(request: Record<string, unknown>): Promise<string> {
    return Promise.resolve(String(request['ip']));
  }

  /** One count per limit and address, whichever of its routes is called. */
  protected override generateKey(_context: ExecutionContext, tracker: string, name: string): string {
    return sha256(`${name}|${tracker}`).toString('base64url');
  }

  /** RFC 6585 §4: with Retry-After by its own name; the package adds the name of the limit to it. */
  protected override throwThrottlingException(
    _context: ExecutionContext,
    { timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<void> {
    return Promise.reject(
      new PublicError(429, 'too_many_requests', 'Too many requests. Wait a minute, then try again.', {
        headers: { 'retry-after': String(Math.max(1, timeToBlockExpire)) },
      }),
    );
  }
}
