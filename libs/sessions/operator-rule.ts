import { Injectable } from '@nestjs/common';
import { AdministratorRepository } from '#accounts';
import { Configuration } from '#platform';
import { acrOf } from './authentication-context.js';
import { FactorRepository } from './factors/factor.repository.js';
import type { Authentication, StepUpDemand } from './step-up.js';

/** Whether somebody may act as an operator by how they have authenticated (OWASP ASVS 5.0 V6.3.3). */
@Injectable()
export class OperatorRule {
  constructor(
    private readonly administrators: AdministratorRepository,
    private readonly factors: FactorRepository,
    private readonly configuration: Configuration,
  ) {}

  /** @returns what an operator has yet to prove; undefined for nothing, and for who is none */
  async demandOf({ userId, amr }: Pick<Authentication, 'userId' | 'amr'>): Promise<StepUpDemand | undefined> {
    if (this.configuration.operatorSecondFactor === 'off') return undefined;
    if (!(await this.administrators.find(userId)).operator) return undefined;
    // a session may outlast the factor that was proven in it
    const enough = acrOf(amr) === 'aal2' && (await this.factors.hasSecondFactor(userId));
    return enough ? undefined : { acr: 'aal2', maxAge: undefined };
  }
}
