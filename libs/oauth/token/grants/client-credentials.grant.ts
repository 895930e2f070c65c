import { Injectable } from '@nestjs/common';
import { isPublic, type Client } from '../../clients/client.js';
import { UnauthorizedClient } from '../../oauth.errors.js';
import { isPersonalScope, requestedScopes } from '../../scope.js';
import { Issuance } from '../issuance.js';
import type { TokenResponse } from '../token-response.js';
import type { TokenRequest } from '../token-request.js';

/** RFC 6749 §4.4: asks nothing of the database and writes nothing there. */
@Injectable()
export class ClientCredentialsGrant {
  constructor(private readonly issuance: Issuance) {}

  async handle(request: TokenRequest, client: Client, jkt: string | undefined): Promise<TokenResponse> {
    // RFC 6749 §4.4: for confidential clients alone
    if (isPublic(client)) throw new UnauthorizedClient('A public client has no credentials of its own.');
    const scopes = requestedScopes(
      request.scope,
      client.scopes.filter((scope) => !isPersonalScope(scope)),
    );
    const prepared = await this.issuance.prepare();
    return prepared.issueToMachine(client, scopes, { resources: request.resource, jkt });
  }
}
