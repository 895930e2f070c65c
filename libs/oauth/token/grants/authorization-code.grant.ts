import { Injectable } from '@nestjs/common';
import { Database } from '#platform';
import { OpaqueTokens } from '#tokens';
import { AuthorizationRepository } from '../../authorization/authorization.repository.js';
import type { Client } from '../../clients/client.js';
import { InvalidGrant, InvalidRequest } from '../../oauth.errors.js';
import { codeChallengeOf, isCodeVerifier } from '../../pkce.js';
import { Issuance } from '../issuance.js';
import type { TokenResponse } from '../token-response.js';
import type { TokenRequest } from '../token-request.js';

/** RFC 6749 §4.1.3 with PKCE (RFC 7636 §4.6) */
@Injectable()
export class AuthorizationCodeGrant {
  constructor(
    private readonly database: Database,
    private readonly authorizations: AuthorizationRepository,
    private readonly tokens: OpaqueTokens,
    private readonly issuance: Issuance,
  ) {}

  async handle(request: TokenRequest, client: Client, jkt: string | undefined): Promise<TokenResponse> {
    const { code: text, code_verifier: verifier, redirect_uri: redirectUri, resource } = request;
    if (text === undefined) throw new InvalidRequest('code is missing.');
    if (verifier !== undefined && !isCodeVerifier(verifier))
      throw new InvalidRequest('code_verifier must be 43 to 128 unreserved characters.');
    const code = this.tokens.read('code', text);
    if (!code) throw new InvalidGrant('not a code of this server');

    // RFC 7636 §4.6: no verifier does not match a challenge either
    const codeChallenge = verifier === undefined ? undefined : codeChallengeOf(verifier);
    const prepared = await this.issuance.prepare();
    const response = await this.issuance.seated(() =>
      this.database.transaction(async (transaction) => {
        const exchange = { code, client, codeChallenge, redirectUri, jkt };
        const authorization = await this.authorizations.exchange(exchange, transaction);
        // thrown inside the transaction: a refused exchange spends nothing
        return authorization && prepared.issue(client, authorization, { resources: resource, jkt });
      }),
    );
    if (response) return response;
    const reused = await this.authorizations.revokeReusedCode(code, client.id);
    throw new InvalidGrant(
      reused ? 'code used twice; what it gave is revoked' : 'code expired, revoked or not for this request',
    );
  }
}
