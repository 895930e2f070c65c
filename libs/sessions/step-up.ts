import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, PublicError } from '#platform';
import { acrOf, type Acr } from './authentication-context.js';
import { FactorRepository } from './factors/factor.repository.js';

/** For sensitive acts an authentication may be this old. */
export const STEP_UP_SECONDS = 900;

/** How somebody has authenticated: a session, or what a token says of one. */
export interface Authentication {
  readonly userId: string;
  readonly amr: readonly string[];
  readonly authTime: Date;
}

/** What an authentication lacks. */
export interface StepUpDemand {
  readonly acr: Acr;
  /** seconds; undefined when any age will do */
  readonly maxAge: number | undefined;
}

/** RFC 9470 §3: the challenge names what would do. */
export class InsufficientAuthentication extends PublicError {
  /** @param scheme by which the token came that is not enough (RFC 6750 §3, RFC 9449 §7.1) */
  constructor({ acr, maxAge }: StepUpDemand, scheme: 'Bearer' | 'DPoP' = 'Bearer') {
    const sentence = 'This needs a more recent or a stronger sign-in. Sign in again to go on.';
    const age = maxAge === undefined ? '' : `, max_age="${maxAge}"`;
    super(401, 'insufficient_user_authentication', sentence, {
      headers: {
        'www-authenticate': `${scheme} error="insufficient_user_authentication", error_description="${sentence}", acr_values="${acr}"${age}`,
      },
    });
  }
}

/** The same in a session: a page sends the person to authenticate again instead. */
export class StepUpRequired extends InsufficientAuthentication {
  /** @param returnTo the page that goes on afterwards */
  constructor(
    demand: StepUpDemand,
    readonly returnTo: string,
  ) {
    super(demand);
  }
}

/**
 * Whether an authentication is enough for a sensitive act: not older than 15 minutes, and with the second factor when
 * the person has one (OWASP ASVS 5.0 V7.5.1).
 */
@Injectable()
export class StepUp {
  constructor(
    private readonly factors: FactorRepository,
    private readonly clock: Clock,
  ) {}

  isRecent({ authTime }: Authentication): boolean {
    return addSeconds(authTime, STEP_UP_SECONDS) > this.clock.now();
  }

  /** @returns what is missing, or undefined when nothing is */
  async demandOf(authentication: Authentication): Promise<StepUpDemand | undefined> {
    const reached = acrOf(authentication.amr);
    const needed = (await this.factors.hasSecondFactor(authentication.userId)) ? 'aal2' : 'aal1';
    const enough = this.isRecent(authentication) && (needed === 'aal1' || reached === 'aal2');
    return enough ? undefined : { acr: needed, maxAge: STEP_UP_SECONDS };
  }
}
