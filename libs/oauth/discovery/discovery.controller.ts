import { Controller, Get, Header } from '@nestjs/common';
import type { JWK } from 'jose';
import { Configuration, Public } from '#platform';
import { ACR_VALUES } from '#sessions';
import { JWKS_MAX_AGE, KeyRing } from '#tokens';
import { PROMPTS, RESPONSE_MODES } from '../authorization/authorization-request.js';
import { ASSERTION_ALGORITHMS } from '../clients/client-assertion.js';
import { CLIENT_AUTHENTICATION_METHODS } from '../clients/client.js';
import { DPOP_ALGORITHMS } from '../dpop/dpop-proof.js';

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
    const { issuer, registration, clientIdMetadataDocuments: documents } = this.configuration;
    return {
      issuer,
      authorization_endpoint: `${issuer}/oauth2/authorize`,
      token_endpoint: `${issuer}/oauth2/token`,
      jwks_uri: `${issuer}/oauth2/jwks`,
      introspection_endpoint: `${issuer}/oauth2/introspect`,
      revocation_endpoint: `${issuer}/oauth2/revoke`,
      userinfo_endpoint: `${issuer}/oauth2/userinfo`,
      pushed_authorization_request_endpoint: `${issuer}/oauth2/par`,
      device_authorization_endpoint: `${issuer}/oauth2/device_authorization`,
      end_session_endpoint: `${issuer}/oauth2/logout`,
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      response_types_supported: ['code'],
      response_modes_supported: RESPONSE_MODES,
      acr_values_supported: ACR_VALUES,
      ui_locales_supported: ['en'],
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256', 'RS256'],
      token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
      token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
      introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
      revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
      dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
      introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS.filter(
        (method) => method !== 'none',
      ),
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
        'acr',
        'name',
        'email',
        'email_verified',
      ],
      claims_parameter_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      require_pushed_authorization_requests: false,
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      // RFC 7591 §3: no address where nobody may register
      ...(registration === 'closed' ? {} : { registration_endpoint: `${issuer}/oauth2/register` }),
      // draft-ietf-oauth-client-id-metadata-document-02 §6
      ...(documents === 'on' ? { client_id_metadata_document_supported: true } : {}),
    };
  }

  @Get('oauth2/jwks')
  @Public()
  @Header('cache-control', `public, max-age=${JWKS_MAX_AGE}`)
  @Header('access-control-allow-origin', '*')
  jwks(): { keys: JWK[] } {
    return this.keys.jwks();
  }
}
