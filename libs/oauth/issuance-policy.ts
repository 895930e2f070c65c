import { Injectable } from '@nestjs/common';
import { decide, LicenseSnapshots, type Decision } from '#licensing';
import { Clock } from '#platform';
import type { Module } from './module-directory.js';
import { AccessDenied } from './oauth.errors.js';

export interface Refusal {
  readonly module: Module;
  readonly decision: Decision;
}

/** A refusal as the client is told of it. */
export function licenseDenied({ module, decision }: Refusal): AccessDenied {
  return new AccessDenied(`The organization may not use ${module.name} (${decision.code}).`, decision.code);
}

/** No token is issued for a module that the organization has no license for, whatever the grant. */
@Injectable()
export class IssuancePolicy {
  constructor(
    private readonly snapshots: LicenseSnapshots,
    private readonly clock: Clock,
  ) {}

  /**
   * @param licenseVersion as the statement saw it that led here: the decision is never made on an older state
   * @param userId null for a machine
   * @returns the first module that is refused, or undefined when all are allowed
   */
  async refusal(
    modules: readonly Module[],
    organization: { readonly id: string; readonly licenseVersion?: number },
    userId: string | null,
  ): Promise<Refusal | undefined> {
    if (modules.length === 0) return undefined;
    const snapshot =
      organization.licenseVersion === undefined
        ? await this.snapshots.current(organization.id)
        : await this.snapshots.atLeast(organization.id, organization.licenseVersion);
    const now = this.clock.now();
    for (const module of modules) {
      const decision = decide(snapshot, { userId, module: module.key, environment: module.environment }, now);
      if (!decision.allow) return { module, decision };
    }
    return undefined;
  }
}
