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
import { readCredential, scopeMissing } from './bearer.js';
import { BearerGate } from './bearer-gate.js';
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

  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(ModuleRef) private readonly providers: ModuleRef,
    @Inject(SessionGate) private readonly sessions: SessionGate,
    @Inject(BearerGate) private readonly bearers: BearerGate,
    @Inject(LicenseChecker) private readonly licenses: LicenseChecker,
  ) {}

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
        : await this.bearers.authenticate(request);
    request.principal = principal;
    if (!scopes.every((scope) => principal.scopes.has(scope))) {
      const presented = readCredential(request.headers.authorization);
      const scheme = typeof presented === 'object' ? presented.scheme : 'Bearer';
      throw scopeMissing(this.bearers.metadataUrl, scopes, scheme);
    }
    const permissions = this.reflector.getAllAndMerge<string[]>(PERMISSIONS, targets) ?? [];
    if (!permissions.every((permission) => principal.permissions.has(permission))) throw permissionMissing();
    await this.requireLicenses(principal, targets);
    return true;
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
