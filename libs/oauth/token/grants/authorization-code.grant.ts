import { Injectable } from '@nestjs/common';
import { Database } from '#platform';
import { OpaqueTokens } from '#tokens';
import { AuthorizationRepository } from '../../authorization/authorization.repository.js';
import type { Client } from '../../clients/client.js';
import { IssuancePolicy, licenseDenied } from '../../issuance-policy.js';
import { concernedModules, ModuleDirectory } from '../../module-directory.js';
import { InvalidGrant, InvalidRequest } from '../../oauth.errors.js';
import { codeChallengeOf, isCodeVerifier } from '../../pkce.js';
import { TokenResponses, type TokenResponse } from '../token-response.js';
import type { TokenRequest } from '../token-request.js';

/** RFC 6749 §4.1.3 with PKCE (RFC 7636 §4.6) */
@Injectable()
export class AuthorizationCodeGrant {
  constructor(
    private readonly database: Database,
    private readonly authorizations: AuthorizationRepository,
    private readonly tokens: OpaqueTokens,
    private readonly modules: ModuleDirectory,
    private readonly issuance: IssuancePolicy,
    private readonly responses: TokenResponses,
  ) {}

  async handle(request: TokenRequest, client: Client): Promise<TokenResponse> {
    const { code: text, code_verifier: verifier, redirect_uri: redirectUri } = request;
    if (text === undefined) throw new InvalidRequest('code is missing.');
    if (verifier === undefined) throw new InvalidRequest('code_verifier is missing: PKCE is required.');
    if (!isCodeVerifier(verifier))
      throw new InvalidRequest('code_verifier must be 43 to 128 unreserved characters.');
    const code = this.tokens.read('code', text);
    if (!code) throw new InvalidGrant('not a code of this server');

    const all = await this.modules.all();
    const response = await this.database.transaction(async (transaction) => {
      const exchange = { code, clientId: client.id, codeChallenge: codeChallengeOf(verifier), redirectUri };
      const authorization = await this.authorizations.exchange(exchange, transaction);
      if (!authorization) return undefined;
      const modules = concernedModules(all, client.moduleKey, authorization.scopes);
      const refusal = await this.issuance.refusal(modules, authorization.organization, authorization.userId);
      // thrown inside the transaction: a refused exchange spends nothing
      if (refusal) throw licenseDenied(refusal);
      return this.responses.forPerson(client, authorization, authorization.scopes, modules);
    });
    if (response) return response;
    const reused = await this.authorizations.revokeReusedCode(code, client.id);
    throw new InvalidGrant(
      reused ? 'code used twice; what it gave is revoked' : 'code expired, revoked or not for this request',
    );
  }
}
