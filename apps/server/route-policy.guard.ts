import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  ClientAuthenticator,
  InsufficientScope,
  InvalidRequest,
  InvalidToken,
  LiveTokens,
  TokenRequired,
  type LiveToken,
} from '#oauth';
import { Configuration, PublicError, ROUTE_POLICY, type RoutePolicy } from '#platform';
import { SessionCookie, SessionRepository } from '#sessions';
import { AccessTokens } from '#tokens';

/** Thrown when a page needs somebody who is signed in: the browser is sent to sign in and comes back. */
export class SignInRequired extends PublicError {
  constructor(readonly returnTo: string) {
    super(401, 'login_required', 'Sign in to continue.');
  }
}

type Identified = FastifyRequest & { session?: unknown; client?: unknown; token?: unknown };

/** The one place that decides who may call a route, by what the route declares. */
@Injectable()
export class RoutePolicyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly sessions: SessionRepository,
    private readonly cookie: SessionCookie,
    private readonly clients: ClientAuthenticator,
    private readonly tokens: AccessTokens,
    private readonly liveTokens: LiveTokens,
    private readonly configuration: Configuration,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const policy = this.reflector.getAllAndOverride<RoutePolicy | undefined>(ROUTE_POLICY, [
      context.getHandler(),
      context.getClass(),
    ]);
    const request = context.switchToHttp().getRequest<Identified>();
    switch (policy?.kind) {
      case 'public':
        return true;
      case 'session':
        request.session = await this.session(request, context.switchToHttp().getResponse<FastifyReply>());
        return true;
      case 'client':
        request.client = await this.clients.authenticate(request);
        return true;
      case 'bearer':
        if (policy.openWhen === 'outside-production' && !this.configuration.production) return true;
        request.token = await this.bearer(request, policy.scope);
        return true;
      case undefined:
        throw new PublicError(403, 'access_denied', 'This address is closed.', {
          reason: `${context.getClass().name}.${context.getHandler().name} declares no policy`,
        });
    }
  }

  private async session(request: FastifyRequest, reply: FastifyReply) {
    reply.header('cache-control', 'no-store');
    const session = await this.sessions.find(this.cookie.read(request));
    if (!session) throw new SignInRequired(request.method === 'GET' ? request.url : '/');
    await this.sessions.touch(session.id);
    return session;
  }

  /** RFC 6750 §2.1: the header alone; a token in a body or a query is not taken. */
  private async bearer(request: FastifyRequest, scope: string): Promise<LiveToken> {
    const header = request.headers.authorization;
    // RFC 6750 §3.1: who used another method, or none, is told no more than that a bearer token is needed
    if (header === undefined || !/^Bearer\b/i.test(header)) throw new TokenRequired();
    const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header)?.[1];
    if (token === undefined) {
      throw new InvalidRequest('The Authorization header carries no bearer token.', {
        headers: { 'www-authenticate': 'Bearer error="invalid_request"' },
      });
    }
    const claims = this.tokens.verify(token);
    if (!claims) throw new InvalidToken('not a token of this server, or expired');
    if (!claims.aud.includes(this.configuration.issuer)) throw new InvalidToken('meant for another audience');
    if (!claims.scope.split(' ').includes(scope)) throw new InsufficientScope(scope);
    const live = await this.liveTokens.find(claims);
    if (!live) throw new InvalidToken('revoked, or its session or client has ended');
    return live;
  }
}
