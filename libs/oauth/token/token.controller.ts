import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ClientAuthentication, CurrentClient } from '#platform';
import type { Client, GrantType } from '../clients/client.js';
import { InvalidRequest, UnauthorizedClient, UnsupportedGrantType } from '../oauth.errors.js';
import { AuthorizationCodeGrant } from './grants/authorization-code.grant.js';
import { ClientCredentialsGrant } from './grants/client-credentials.grant.js';
import { RefreshTokenGrant } from './grants/refresh-token.grant.js';
import type { TokenResponse } from './token-response.js';
import { TokenRequest } from './token-request.js';

interface Grant {
  handle(request: TokenRequest, client: Client): Promise<TokenResponse>;
}

@Controller('oauth2/token')
export class TokenController {
  private readonly grants: ReadonlyMap<string, Grant>;

  constructor(code: AuthorizationCodeGrant, refresh: RefreshTokenGrant, machine: ClientCredentialsGrant) {
    this.grants = new Map<GrantType, Grant>([
      ['authorization_code', code],
      ['refresh_token', refresh],
      ['client_credentials', machine],
    ]);
  }

  @Post()
  @HttpCode(200)
  @ClientAuthentication()
  // RFC 6749 §5.1
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  async token(@Body() request: TokenRequest, @CurrentClient() client: Client): Promise<TokenResponse> {
    if (request.grant_type === undefined) throw new InvalidRequest('grant_type is missing.');
    const grant = this.grants.get(request.grant_type);
    if (!grant) throw new UnsupportedGrantType();
    if (!(client.grantTypes as readonly string[]).includes(request.grant_type))
      throw new UnauthorizedClient();
    return grant.handle(request, client);
  }
}
