import { Injectable, SetMetadata, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard, ThrottlerModule, type ThrottlerOptions } from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';
import { Configuration, limitFetches, PublicError, RedisConnection } from '#platform';
import { clientNetwork } from './client-network.js';
import type { FormFailure } from './pages/form-failure.js';
import { SharedThrottlerStorage } from './rate-limit.storage.js';

const MINUTE = 60_000;
const TOLD = 'core-auth:told-of-limits';
/** Those that are let through to be refused by their handler. */
const beyond = new WeakMap<FastifyRequest, number>();

/** A form whose handler looks at `limitMet` before anything else, and so shows what was typed once more. */
export const ToldOfLimits = () => SetMetadata(TOLD, true);

/** Why a form of a `ToldOfLimits` handler is not looked at; undefined when it may be. */
export function limitMet(request: FastifyRequest): FormFailure | undefined {
  const retryAfter = beyond.get(request);
  if (retryAfter === undefined) return undefined;
  const text = 'Nothing has been done. Wait a minute, then send it again.';
  return { status: 429, title: 'Too many requests', text, retryAfter };
}
/** What is counted at no route, but when something is fetched. */
const DOCUMENTS = 'documents';

/** Which requests count against which limit. */
const LIMITED: Readonly<Record<string, (request: FastifyRequest) => boolean>> = {
  // whatever costs a hash of a password, or guesses at what stands in its place
  'sign-in': ({ method, routeOptions }) =>
    /^(POST|PUT)$/.test(method) &&
    /^\/(sign-in(\/(second-factor|passkey))?|unlock|invitation|v1\/invitations\/accept|register\/complete|reset-password|(v1\/)?account\/(password|address))$/.test(
      routeOptions.url ?? '',
    ),
  // challenges and pending sign-ins are kept for a while, and each change of a factor sends a mail
  factor: ({ method, routeOptions }) =>
    routeOptions.url === '/step-up' ||
    (method === 'POST' &&
      /^\/(sign-in\/(second-factor|passkey)\/options|account\/security(\/.*)?)$/.test(
        routeOptions.url ?? '',
      )) ||
    (method !== 'GET' && /^\/v1\/account\/factors(\/|$)/.test(routeOptions.url ?? '')),
  mail: ({ method, routeOptions }) =>
    method !== 'GET' &&
    /^\/(register|forgot-password|(v1\/)?account\/address|(account\/data|organization)\/deletion(\/undo)?|v1\/(account|organizations\/:organizationId)\/deletion)$/.test(
      routeOptions.url ?? '',
    ),
  // whatever reads everything that is kept about somebody
  export: ({ routeOptions }) =>
    /^\/(account\/data|organization|v1\/(account|organizations\/:organizationId))\/export$/.test(
      routeOptions.url ?? '',
    ),
  // RFC 8628 §5.1: guesses of user codes
  device: ({ method, routeOptions }) => method === 'POST' && routeOptions.url === '/device',
  registration: ({ routeOptions }) => /^\/oauth2\/register(\/|$)/.test(routeOptions.url ?? ''),
  token: ({ method, routeOptions }) =>
    routeOptions.url === '/device/qr' ||
    /^\/v1\/(events(\/poll)?|licenses\/(snapshot|check)|usage|leases(\/.*)?|webhooks(\/.*)?)$/.test(
      routeOptions.url ?? '',
    ) ||
    /^\/v1\/account(\/|$)/.test(routeOptions.url ?? '') ||
    // administration of licenses, beside what modules ask
    /^\/v1\/(licenses|plans|features|trials|seat-imports|reservations|offline-grants|organizations|invitations|usage\/export)(\/|$)/.test(
      routeOptions.url ?? '',
    ) ||
    (method === 'POST' &&
      /^\/oauth2\/(token|introspect|revoke|par|device_authorization)$/.test(routeOptions.url ?? '')),
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
    { name: 'factor', ttl: MINUTE, limit: configuration.rateLimitSignIn },
    { name: 'mail', ttl: MINUTE, limit: configuration.rateLimitMail },
    { name: 'export', ttl: MINUTE, limit: configuration.rateLimitExport },
    { name: 'device', ttl: MINUTE, limit: configuration.rateLimitDevice },
    { name: 'token', ttl: MINUTE, limit: configuration.rateLimitToken },
    { name: 'registration', ttl: MINUTE, limit: configuration.rateLimitRegistration },
    { name: DOCUMENTS, ttl: MINUTE, limit: configuration.rateLimitDocuments },
  ];
}

interface Limit {
  readonly name: string;
  readonly ttl: number;
  readonly limit: number;
}

/** Runs before anything is looked at, so that a flood costs one count and no more. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  /** By method and route: what counts where never changes. */
  private readonly limits = new Map<string, readonly Limit[]>();

  /** In place of the package's, which looks up decorators that we have not, for each limit and at each request. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    try {
      for (const limit of this.limitsOf(request)) await this.count(limit, request);
    } catch (error) {
      if (!(error instanceof TooMany) || !Reflect.hasMetadata(TOLD, context.getHandler())) throw error;
      beyond.set(request, error.retryAfter);
    }
    return true;
  }

  /**
   * As a Fastify hook, the last before a route: what no route tells, since it depends on what this server remembers,
   * is counted when it happens.
   */
  limitFetchesOf(request: FastifyRequest, work: () => void): void {
    limitFetches(async () => {
      for (const limit of this.limitsNamed(DOCUMENTS)) await this.count(limit, request);
    }, work);
  }

  /** One count per limit and address, whichever of its routes is called. */
  private async count({ name, ttl, limit }: Limit, { ip }: FastifyRequest): Promise<void> {
    const key = `${name}|${clientNetwork(ip)}`;
    const { isBlocked, timeToBlockExpire } = await this.storageService.increment(key, ttl, limit, ttl, name);
    if (isBlocked) throw new TooMany(timeToBlockExpire);
  }

  private limitsOf(request: FastifyRequest): readonly Limit[] {
    const route = `${request.method} ${request.routeOptions.url ?? ''}`;
    let limits = this.limits.get(route);
    if (!limits) {
      const names = Object.keys(LIMITED).filter((name) => LIMITED[name]?.(request));
      limits = names.flatMap((name) => this.limitsNamed(name));
      this.limits.set(route, limits);
    }
    return limits;
  }

  private limitsNamed(wanted: string): Limit[] {
    return this.throttlers.flatMap(({ name = '', ttl, limit }) =>
      name === wanted && typeof ttl === 'number' && typeof limit === 'number' ? [{ name, ttl, limit }] : [],
    );
  }
}

/** RFC 6585 §4: with Retry-After. */
class TooMany extends PublicError {
  readonly retryAfter: number;

  constructor(seconds: number) {
    const retryAfter = Math.max(1, seconds);
    super(429, 'too_many_requests', 'Too many requests. Wait a minute, then try again.', {
      headers: { 'retry-after': String(retryAfter) },
    });
    this.retryAfter = retryAfter;
  }
}
