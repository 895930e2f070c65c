import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ClientAuthentication, CurrentClient } from '#platform';
import { AccessTokens, OpaqueTokens, type AccessTokenClaims } from '#tokens';
import { AuthorizationRepository } from '../authorization/authorization.repository.js';
import type { Client } from '../clients/client.js';
import { PresentedToken } from '../presented-token.js';
import { RevokedTokenRepository } from './revoked-token.repository.js';

@Controller('oauth2/revoke')
export class RevocationController {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly opaqueTokens: OpaqueTokens,
    private readonly authorizations: AuthorizationRepository,
    private readonly revokedTokens: RevokedTokenRepository,
  ) {}

  /** RFC 7009 §2.2: an unknown token, or another client's, is a success; the caller learns nothing from the answer. */
  @Post()
  @HttpCode(200)
  @ClientAuthentication()
  async revoke(@Body() { token }: PresentedToken, @CurrentClient() client: Client): Promise<void> {
    const claims = await this.accessTokens.verify(token);
    if (claims) return this.revokeAccessToken(claims, client);
    const spendable = this.opaqueTokens.read('refresh_token', token) ?? this.opaqueTokens.read('code', token);
    if (spendable) await this.authorizations.revoke(spendable.authorizationId, client.id);
  }

  private async revokeAccessToken(claims: AccessTokenClaims, client: Client): Promise<void> {
    const { authorization_id: authorizationId, client_chain: chain, jti, exp } = claims;
    if (claims.client_id !== client.id) return;
    // RFC 7009 §2.1: a token of an authorization ends all of it; one that was exchanged for such a token, itself alone
    if (authorizationId !== undefined && chain === undefined) {
      await this.authorizations.revoke(authorizationId, client.id);
    } else {
      await this.revokedTokens.revoke(jti, new Date(exp * 1000), client.id);
    }
  }
}
