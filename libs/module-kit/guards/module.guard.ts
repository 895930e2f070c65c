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
import { InvalidProofError } from '../tokens/dpop-proof.js';
import { DpopProofs } from '../tokens/dpop-proofs.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import {
  proofInvalid,
  readCredential,
  scopeMissing,
  tokenInvalid,
  tokenMalformed,
  tokenMissing,
  type Scheme,
} from './bearer.js';
import {
  CREDENTIAL,
  FEATURES,
  LICENSES,
  PERMISSIONS,
  SCOPES,
  type FeatureRequirement,
  type RouteCredential,
  type UsageCounter,
} from './decorators.js';
import type { Principal } from './principal.js';
import { SessionGate } from './session-gate.js';

function permissionMissing(): ProblemException {
  return new ProblemException(
    403,
    'PERMISSION_REQUIRED',
    'Not allowed',
    'Your role in the organization does not permit this.',
  );
}

/**
 * Keeps every route of the module: who is asking, then scopes, permissions, licenses, features. A route that declares nothing is
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
    @Inject(DpopProofs) private readonly proofs: DpopProofs,
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
        : await this.token(request);
    request.principal = principal;
    if (!scopes.every((scope) => principal.scopes.has(scope))) {
      const presented = readCredential(request.headers.authorization);
      const scheme = typeof presented === 'object' ? presented.scheme : 'Bearer';
      throw scopeMissing(this.metadataUrl, scopes, scheme);
    }
    const permissions = this.reflector.getAllAndMerge<string[]>(PERMISSIONS, targets) ?? [];
    if (!permissions.every((permission) => principal.permissions.has(permission))) throw permissionMissing();
    await this.requireLicenses(principal, targets);
    return true;
  }

  private async token(request: KitRequest): Promise<Principal> {
    const presented = readCredential(request.headers.authorization);
    if (presented === undefined) throw tokenMissing(this.metadataUrl);
    if (presented === 'malformed') throw tokenMalformed(this.metadataUrl);
    const { scheme, token } = presented;
    try {
      const claims = await this.tokens.verify(token);
      await this.requirePossession(request, scheme, token, claims.cnf?.jkt);
      return principalOf(claims, token);
    } catch (error) {
      if (error instanceof InvalidTokenError) throw tokenInvalid(this.metadataUrl, error.reason, scheme);
      if (error instanceof InvalidProofError) throw proofInvalid(this.metadataUrl, error.reason);
      throw error;
    }
  }

  private async requirePossession(
    request: KitRequest,
    scheme: Scheme,
    token: string,
    jkt: string | undefined,
  ): Promise<void> {
    if (jkt === undefined) {
      // RFC 9449 section 7.1: there is no key for the proof to be of
      if (scheme === 'DPoP')
        throw tokenInvalid(this.metadataUrl, 'The access token is bound to no key', 'Bearer');
      return;
    }
    // RFC 9449 section 7.2: who has stolen a bound token must not get by without its key
    if (scheme === 'Bearer')
      throw tokenInvalid(this.metadataUrl, 'The access token is bound to a key', 'DPoP');
    await this.proofs.require(request, token, jkt);
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
