import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  ClientAuthenticator,
  DpopChallenge,
  DpopProofs,
  InsufficientScope,
  InvalidRequest,
  InvalidToken,
  LiveTokens,
  TokenRequired,
  type LiveToken,
} from '#oauth';
import { Configuration, PublicError, ROUTE_POLICY, type RoutePolicy } from '#platform';
import {
  acrOf,
  InsufficientAuthentication,
  OperatorRule,
  SessionCookie,
  SessionRepository,
  StepUp,
  StepUpRequired,
  type Session,
  type StepUpDemand,
} from '#sessions';
import { AccessTokens, type AccessTokenClaims } from '#tokens';
import { RecentToken } from './account/recent-token.js';

/** Characters, encoded: with the rest of a header it stays below what clients and proxies take. */
const LONGEST_RETURN_ADDRESS = 8192;

/** Thrown when a page needs somebody who is signed in: the browser is sent to sign in and comes back. */
export class SignInRequired extends PublicError {
  constructor(readonly returnTo: string) {
    super(401, 'login_required', 'Sign in to continue.');
  }
}

type SessionPolicy = Extract<RoutePolicy, { kind: 'session' }>;
type BearerPolicy = Extract<RoutePolicy, { kind: 'bearer' }>;
type Identified = FastifyRequest & { session?: unknown; client?: unknown; token?: unknown };

/** The one place that decides who may call a route, by what the route declares. */
@Injectable()
export class RoutePolicyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly sessions: SessionRepository,
    private readonly cookie: SessionCookie,
    private readonly stepUp: StepUp,
    private readonly operatorRule: OperatorRule,
    private readonly clients: ClientAuthenticator,
    private readonly tokens: AccessTokens,
    private readonly liveTokens: LiveTokens,
    private readonly recentToken: RecentToken,
    private readonly proofs: DpopProofs,
    private readonly configuration: Configuration,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const policy = this.reflector.getAllAndOverride<RoutePolicy | undefined>(ROUTE_POLICY, [
      context.getHandler(),
      context.getClass(),
    ]);
    const request = context.switchToHttp().getRequest<Identified>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    switch (policy?.kind) {
      case 'public':
        return true;
      case 'session':
        request.session = await this.session(request, reply, policy);
        return true;
      case 'client':
        this.offerNonce(request, reply);
        request.client = await this.clients.authenticate(request, policy);
        return true;
      case 'bearer':
        if (policy.openWhen === 'outside-production' && !this.configuration.production) return true;
        this.offerNonce(request, reply);
        request.token = await this.token(request, policy);
        return true;
      case undefined:
        throw new PublicError(403, 'access_denied', 'This address is closed.', {
          reason: `${context.getClass().name}.${context.getHandler().name} declares no policy`,
        });
    }
  }

  private async session(
    request: FastifyRequest,
    reply: FastifyReply,
    policy: SessionPolicy,
  ): Promise<Session> {
    reply.header('cache-control', 'no-store');
    const session = await this.sessions.find(this.cookie.read(request));
    if (!session) throw new SignInRequired(returnAddressOf(request));
    const demand = await this.demandOf(session, policy);
    if (demand) {
      const page = request.method === 'GET' ? undefined : policy.returnTo;
      throw new StepUpRequired(demand, page ?? returnAddressOf(request));
    }
    await this.sessions.touch(session.id);
    return session;
  }

  private async demandOf(session: Session, { strength }: SessionPolicy): Promise<StepUpDemand | undefined> {
    if (strength === 'recent') return this.stepUp.demandOf(session);
    const owes = session.organization?.secondFactorRequired === true && acrOf(session.amr) !== 'aal2';
    if (strength !== 'any' && owes) return { acr: 'aal2', maxAge: undefined };
    return strength === 'operator' ? this.operatorRule.demandOf(session) : undefined;
  }

  /** RFC 6750 §2.1, RFC 9449 §7.1: the header alone; a token in a body or a query is not taken. */
  private async token(request: FastifyRequest, policy: BearerPolicy): Promise<LiveToken> {
    const header = request.headers.authorization ?? '';
    const scheme = /^Bearer\b/i.test(header) ? 'Bearer' : /^DPoP\b/i.test(header) ? 'DPoP' : undefined;
    // RFC 6750 §3.1: who used another method, or none, is told no more than that a bearer token is needed
    if (scheme === undefined) throw new TokenRequired();
    const token = /^\w+ +([A-Za-z0-9._~+/=-]+)$/.exec(header)?.[1];
    if (token === undefined) {
      throw new InvalidRequest('The Authorization header carries no access token.', {
        headers: { 'www-authenticate': `${scheme} error="invalid_request"` },
      });
    }
    const invalid = (reason: string) => {
      const plain = new InvalidToken(reason);
      return scheme === 'DPoP' ? DpopChallenge.of(plain) : plain;
    };
    const claims = await this.tokens.verify(token);
    if (!claims) throw invalid('not a token of this server, or expired');
    await this.checkBinding(request, scheme, token, claims.cnf?.jkt);
    if (!claims.aud.includes(this.configuration.issuer)) throw invalid('meant for another audience');
    const missing = missingScope(claims, policy);
    if (missing !== undefined) throw new InsufficientScope(missing, scheme);
    const live = await this.liveTokens.find(claims);
    if (!live) throw invalid('revoked, or its session or client has ended');
    if (policy.strength === 'recent') await this.recentToken.check(live);
    if (policy.strength === 'operator' && live.person) {
      const demand = await this.operatorRule.demandOf(live.person);
      if (demand) throw new InsufficientAuthentication(demand, scheme);
    }
    return live;
  }

  /** A token that is bound to a key comes with a proof, by the DPoP scheme; one that is not comes as a bearer token. */
  private async checkBinding(
    request: FastifyRequest,
    scheme: 'Bearer' | 'DPoP',
    accessToken: string,
    boundTo: string | undefined,
  ): Promise<void> {
    if (scheme === 'Bearer') {
      // RFC 9449 §7.2: a stolen token must not get by without its key
      if (boundTo !== undefined) {
        throw new DpopChallenge('invalid_token', 'The access token is bound to a key and needs a proof.');
      }
      return;
    }
    if (boundTo === undefined) {
      throw new DpopChallenge('invalid_token', 'The access token is not bound to a key.');
    }
    const { method, headers } = request;
    const jkt = await this.proofs.verify({ method, path: pathOf(request), headers }, { accessToken });
    if (jkt === undefined) throw new DpopChallenge('invalid_dpop_proof', 'The proof is missing.');
    // RFC 9449 §7.1
    if (jkt !== boundTo)
      throw new DpopChallenge('invalid_token', 'The access token is bound to another key.');
  }

  /** RFC 9449 §8.2, §9: who proves possession always has the nonce for the next time. */
  private offerNonce(request: FastifyRequest, reply: FastifyReply): void {
    if (request.headers['dpop'] !== undefined) reply.header('dpop-nonce', this.proofs.freshNonce());
  }
}

/** The scope that would open the route to such a token; undefined when it has what is needed. */
function missingScope(
  { scope: held, organization_id: organization }: AccessTokenClaims,
  { scope, scopeWithoutOrganization }: BearerPolicy,
): string | undefined {
  const scopes = held.split(' ');
  if (scopes.includes(scope)) return undefined;
  const instead = organization === undefined ? scopeWithoutOrganization : undefined;
  return instead !== undefined && scopes.includes(instead) ? undefined : (instead ?? scope);
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}

/** The address that is gone to after signing in; one that no redirect can hold is given up, as a form is. */
function returnAddressOf({ method, url }: FastifyRequest): string {
  return method === 'GET' && encodeURIComponent(url).length <= LONGEST_RETURN_ADDRESS ? url : '/';
}
