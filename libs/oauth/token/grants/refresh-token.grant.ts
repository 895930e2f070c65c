import { Injectable } from '@nestjs/common';
import { Database } from '#platform';
import { OpaqueTokens } from '#tokens';
import { AuthorizationRepository } from '../../authorization/authorization.repository.js';
import type { Client } from '../../clients/client.js';
import { IssuancePolicy, licenseDenied } from '../../issuance-policy.js';
import { concernedModules, ModuleDirectory } from '../../module-directory.js';
import { InvalidGrant, InvalidRequest } from '../../oauth.errors.js';
import { requestedScopes } from '../../scope.js';
import { TokenResponses, type TokenResponse } from '../token-response.js';
import type { TokenRequest } from '../token-request.js';

/** RFC 6749 §6 with rotation (RFC 9700 §4.14) */
@Injectable()
export class RefreshTokenGrant {
  constructor(
    private readonly database: Database,
    private readonly authorizations: AuthorizationRepository,
    private readonly tokens: OpaqueTokens,
    private readonly modules: ModuleDirectory,
    private readonly issuance: IssuancePolicy,
    private readonly responses: TokenResponses,
  ) {}

  async handle(request: TokenRequest, client: Client): Promise<TokenResponse> {
    if (request.refresh_token === undefined) throw new InvalidRequest('refresh_token is missing.');
    const token = this.tokens.read('refresh_token', request.refresh_token);
    if (!token) throw new InvalidGrant('not a refresh token of this server');

    const all = await this.modules.all();
    const response = await this.database.transaction(async (transaction) => {
      const authorization = await this.authorizations.refresh(token, client.id, transaction);
      if (!authorization) return undefined;
      // RFC 6749 §6: no scope beyond what was granted, nor one that the client has lost; all checks come before the commit, so a refusal spends nothing
      const granted = authorization.scopes.filter((scope) => client.scopes.includes(scope));
      const scopes = requestedScopes(request.scope, granted);
      const modules = concernedModules(all, client.moduleKey, scopes);
      const refusal = await this.issuance.refusal(modules, authorization.organization, authorization.userId);
      if (refusal) throw licenseDenied(refusal);
      return this.responses.forPerson(client, authorization, scopes, modules);
    });
    if (response) return response;
    const reused = await this.authorizations.revokeReusedRefreshToken(token, client.id);
    throw new InvalidGrant(
      reused ? 'refresh token reused; the authorization is revoked' : 'refresh token expired or revoked',
    );
  }
}
