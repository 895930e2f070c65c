import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ClientAuthentication, CurrentClient } from '#platform';
import { AccessTokens, OpaqueTokens } from '#tokens';
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
    const claims = this.accessTokens.verify(token);
    const authorizationId = claims
      ? claims.authorization_id
      : (this.opaqueTokens.read('refresh_token', token) ?? this.opaqueTokens.read('code', token))
          ?.authorizationId;
    // RFC 7009 §2.1: a token of an authorization ends all of it
    if (authorizationId !== undefined) await this.authorizations.revoke(authorizationId, client.id);
    else if (claims?.client_id === client.id) {
      await this.revokedTokens.revoke(claims.jti, new Date(claims.exp * 1000), client.id);
    }
  }
}
