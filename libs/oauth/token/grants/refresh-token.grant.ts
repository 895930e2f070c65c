import { Injectable } from '@nestjs/common';
import { Database } from '#platform';
import { OpaqueTokens } from '#tokens';
import { AuthorizationRepository } from '../../authorization/authorization.repository.js';
import type { Client } from '../../clients/client.js';
import { InvalidGrant, InvalidRequest } from '../../oauth.errors.js';
import { Issuance } from '../issuance.js';
import type { TokenResponse } from '../token-response.js';
import type { TokenRequest } from '../token-request.js';

/** RFC 6749 §6 with rotation (RFC 9700 §4.14) */
@Injectable()
export class RefreshTokenGrant {
  constructor(
    private readonly database: Database,
    private readonly authorizations: AuthorizationRepository,
    private readonly tokens: OpaqueTokens,
    private readonly issuance: Issuance,
  ) {}

  async handle(request: TokenRequest, client: Client, jkt: string | undefined): Promise<TokenResponse> {
    const { refresh_token: text, scope, resource } = request;
    if (text === undefined) throw new InvalidRequest('refresh_token is missing.');
    const token = this.tokens.read('refresh_token', text);
    if (!token) throw new InvalidGrant('not a refresh token of this server');

    const prepared = await this.issuance.prepare();
    const response = await this.issuance.seated(() =>
      this.database.transaction(async (transaction) => {
        const authorization = await this.authorizations.refresh(token, client, jkt, transaction);
        // all checks come before the commit, so a refusal spends nothing
        return authorization && prepared.issue(client, authorization, { scope, resources: resource, jkt });
      }),
    );
    if (response) return response;
    const reused = await this.authorizations.revokeReusedRefreshToken(token, client.id);
    throw new InvalidGrant(
      reused ? 'refresh token reused; the authorization is revoked' : 'refresh token expired or revoked',
    );
  }
}
