import { Controller, Get, Header } from '@nestjs/common';
import type { JWK } from 'jose';
import { Configuration, Public } from '#platform';
import { KeyRing } from '#tokens';
import { PROMPTS } from '../authorization/authorization-request.js';
import { CLIENT_AUTHENTICATION_METHODS } from '../clients/client-authentication.js';

@Controller()
export class DiscoveryController {
  constructor(
    private readonly configuration: Configuration,
    private readonly keys: KeyRing,
  ) {}

  /** OpenID Connect Discovery §4 and RFC 8414 §3: one document at both places. */
  @Get(['.well-known/openid-configuration', '.well-known/oauth-authorization-server'])
  @Public()
  @Header('cache-control', 'public, max-age=300')
  @Header('access-control-allow-origin', '*')
  metadata(): Record<string, unknown> {
    const { issuer } = this.configuration;
    return {
      issuer,
      authorization_endpoint: `${issuer}/oauth2/authorize`,
      token_endpoint: `${issuer}/oauth2/token`,
      jwks_uri: `${issuer}/oauth2/jwks`,
      introspection_endpoint: `${issuer}/oauth2/introspect`,
      revocation_endpoint: `${issuer}/oauth2/revoke`,
      userinfo_endpoint: `${issuer}/oauth2/userinfo`,
      end_session_endpoint: `${issuer}/oauth2/logout`,
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256', 'RS256'],
      token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
      introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS.slice(0, 2),
      revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
      code_challenge_methods_supported: ['S256'],
      prompt_values_supported: PROMPTS,
      claims_supported: [
        'sub',
        'iss',
        'aud',
        'exp',
        'iat',
        'auth_time',
        'nonce',
        'sid',
        'amr',
        'name',
        'email',
      ],
      claims_parameter_supported: false,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    };
  }

  @Get('oauth2/jwks')
  @Public()
  @Header('cache-control', 'public, max-age=300')
  @Header('access-control-allow-origin', '*')
  jwks(): { keys: JWK[] } {
    return this.keys.jwks();
  }
}
