import {
  Inject,
  Injectable,
  Logger,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { ModuleRef, Reflector } from '@nestjs/core';
import type { KitReply, KitRequest } from '../http/http-types.js';
import { ProblemException } from '../http/problem.exception.js';
import { LicenseChecker, type LicenseQuestion } from '../licenses/license-checker.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import { InvalidTokenError, principalOf } from '../tokens/access-token.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { readBearer, scopeMissing, tokenInvalid, tokenMalformed, tokenMissing } from './bearer.js';
import {
  CREDENTIAL,
  FEATURES,
  LICENSES,
  SCOPES,
  type FeatureRequirement,
  type RouteCredential,
  type UsageCounter,
} from './decorators.js';
import type { Principal } from './principal.js';
import { SessionGate } from './session-gate.js';

/**
 * Keeps every route of the module: who is asking, then scopes, licenses, features. A route that declares nothing is
 * refused, so that one forgotten decorator opens nothing.
 */
@Injectable()
export class ModuleGuard implements CanActivate {
  private readonly logger = new Logger('ModuleGuard');
  private readonly metadataUrl: string;

  constructor(
    @Inject(MODULE_KIT_OPTIONS) options: ResolvedOptions,
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(ModuleRef) private readonly providers: ModuleRef,
    @Inject(SessionGate) private readonly sessions: SessionGate,
    @Inject(TokenVerifier) private readonly tokens: TokenVerifier,
    @Inject(LicenseChecker) private readonly licenses: LicenseChecker,
  ) {
    this.metadataUrl = `${options.moduleUrl}/.well-known/oauth-protected-resource`;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const scopes = this.reflector.getAllAndMerge<string[]>(SCOPES, targets) ?? [];
    const declared = this.reflector.getAllAndOverride<RouteCredential | undefined>(CREDENTIAL, targets);
    const credential = declared ?? (scopes.length > 0 ? 'token' : undefined);
    if (credential === 'public') return true;
    if (credential === undefined) {
      this.logger.error(`${context.getClass().name}.${context.getHandler().name} declares no access rule`);
      throw new ProblemException(
        403,
        'ROUTE_UNDECLARED',
        'Not allowed',
        'This address says of nobody that they may.',
      );
    }
    const request = context.switchToHttp().getRequest<KitRequest>();
    const principal =
      credential === 'session'
        ? await this.sessions.authenticate(request, context.switchToHttp().getResponse<KitReply>())
        : await this.bearer(request);
    request.principal = principal;
    if (!scopes.every((scope) => principal.scopes.has(scope))) throw scopeMissing(this.metadataUrl, scopes);
    await this.requireLicenses(principal, targets);
    return true;
  }

  private async bearer(request: KitRequest): Promise<Principal> {
    const presented = readBearer(request.headers.authorization);
    if (presented === undefined) throw tokenMissing(this.metadataUrl);
    if (presented === 'malformed') throw tokenMalformed(this.metadataUrl);
    try {
      return principalOf(await this.tokens.verify(presented.token), presented.token);
    } catch (error) {
      if (error instanceof InvalidTokenError) throw tokenInvalid(this.metadataUrl, error.reason);
      throw error;
    }
  }

  private async requireLicenses(
    principal: Principal,
    targets: Parameters<Reflector['getAllAndMerge']>[1],
  ): Promise<void> {
    for (const module of this.reflector.getAllAndMerge<string[]>(LICENSES, targets) ?? []) {
      await this.licenses.require(principal, { module });
    }
    for (const { feature, current } of this.reflector.getAllAndMerge<FeatureRequirement[]>(
      FEATURES,
      targets,
    ) ?? []) {
      const question: LicenseQuestion = { feature };
      if (current) question.current = await this.counter(current).countUsage(principal);
      await this.licenses.require(principal, question);
    }
  }

  private counter(type: Type<UsageCounter>): UsageCounter {
    return this.providers.get<UsageCounter>(type, { strict: false });
  }
}
