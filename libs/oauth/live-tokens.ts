import { Injectable } from '@nestjs/common';
import type { AccessTokenClaims } from '#tokens';
import type { Person } from './authorization/authorization.js';
import { AuthorizationRepository } from './authorization/authorization.repository.js';
import { RevokedTokenRepository } from './revocation/revoked-token.repository.js';
import { authorizationsOfActors, clientsBehind, tokensBehind } from './token-holder.js';

/** What stands behind an access token: a person, or a machine alone. */
export interface LiveToken {
  readonly claims: AccessTokenClaims;
  readonly person: Person | undefined;
  /** Of a machine's token: whether an administrator registered every client behind it as the suite's own, for no organization. */
  readonly trusted?: boolean;
}

/** Whether a token whose signature is right still counts; one read. */
@Injectable()
export class LiveTokens {
  constructor(
    private readonly authorizations: AuthorizationRepository,
    private readonly revokedTokens: RevokedTokenRepository,
  ) {}

  /** @returns undefined when the token, its authorization, or whoever stands behind it has ended */
  async find(claims: AccessTokenClaims): Promise<LiveToken | undefined> {
    const { authorization_id: id } = claims;
    const clientIds = clientsBehind(claims);
    const jtis = tokensBehind(claims);
    const actors = authorizationsOfActors(claims);
    if (id === undefined && actors.length === 0) {
      const machine = await this.revokedTokens.liveMachine(jtis, clientIds);
      return machine && { claims, person: undefined, trusted: machine.trusted };
    }
    const people = await this.authorizations.live(
      id === undefined ? actors : [id, ...actors],
      jtis,
      clientIds,
    );
    return people && { claims, person: id === undefined ? undefined : people.get(id) };
  }
}
