import { Injectable } from '@nestjs/common';
import type { LiveToken } from '#oauth';
import { InsufficientAuthentication, StepUp } from '#sessions';
import { personOf } from './token-person.js';

/**
 * The rule of `@RequireRecentToken()`, by which the route policy guard holds sensitive acts: what `@RequireRecentSession()`
 * asks of a session, for a token. What counts is not in the token, where it would be as old as the token is, but behind
 * it: when the person authenticated before they allowed this access (which no refresh makes any younger, with offline
 * access or without), and by what, up to what they have added in the same session since. A client that is refused sends
 * the person through authorization again, with the `acr_values` and the `max_age` of the challenge (RFC 9470 §4).
 */
@Injectable()
export class RecentToken {
  constructor(private readonly stepUp: StepUp) {}

  /** @throws PublicError 401 with the challenge of RFC 9470 §3; 403 for the token of a machine, which signs in nowhere */
  async check(token: LiveToken): Promise<void> {
    const demand = await this.stepUp.demandOf(personOf(token));
    // the guard lets a bound token in by its scheme alone
    if (demand) throw new InsufficientAuthentication(demand, token.claims.cnf ? 'DPoP' : 'Bearer');
  }
}
