import { Injectable } from '@nestjs/common';
import type { Client } from '../../clients/client.js';
import { IssuancePolicy, licenseDenied } from '../../issuance-policy.js';
import { concernedModules, ModuleDirectory } from '../../module-directory.js';
import { UnauthorizedClient } from '../../oauth.errors.js';
import { requestedScopes } from '../../scope.js';
import { TokenResponses, type TokenResponse } from '../token-response.js';
import type { TokenRequest } from '../token-request.js';

/** Scopes that speak of a person; a machine has none. */
const PERSONAL = new Set(['openid', 'profile', 'email', 'offline_access']);

/** RFC 6749 §4.4: asks nothing of the database and writes nothing there. */
@Injectable()
export class ClientCredentialsGrant {
  constructor(
    private readonly modules: ModuleDirectory,
    private readonly issuance: IssuancePolicy,
    private readonly responses: TokenResponses,
  ) {}

  async handle(request: TokenRequest, client: Client): Promise<TokenResponse> {
    // RFC 6749 §4.4: for confidential clients alone
    if (client.secretSha256 === null)
      throw new UnauthorizedClient('A public client has no credentials of its own.');
    const scopes = requestedScopes(
      request.scope,
      client.scopes.filter((scope) => !PERSONAL.has(scope)),
    );
    const modules = concernedModules(await this.modules.all(), client.moduleKey, scopes);
    if (client.organizationId !== null) {
      const refusal = await this.issuance.refusal(modules, { id: client.organizationId }, null);
      if (refusal) throw licenseDenied(refusal);
    }
    return this.responses.forMachine(client, scopes, modules);
  }
}
