import { Injectable } from '@nestjs/common';
import { Configuration } from '#platform';
import { AccessTokens, IdTokens, OpaqueTokens } from '#tokens';
import type { Authorization } from '../authorization/authorization.js';
import { MAX_LIFETIME, type Client } from '../clients/client.js';
import type { Module } from '../module-directory.js';

/** RFC 6749 §5.1, OpenID Connect Core §3.1.3.3 */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

/** Signs what an authorization gives. */
@Injectable()
export class TokenResponses {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly idTokens: IdTokens,
    private readonly opaqueTokens: OpaqueTokens,
    private readonly configuration: Configuration,
  ) {}

  /** @param scopes those of the authorization, or fewer (RFC 6749 §6) */
  forPerson(
    client: Client,
    authorization: Authorization,
    scopes: readonly string[],
    modules: readonly Module[],
  ): TokenResponse {
    const { organization } = authorization;
    const lifetime = accessTokenLifetime(client);
    const accessToken = this.accessTokens.issue(
      {
        sub: authorization.userId,
        aud: audienceOf(modules, scopes, this.configuration.issuer),
        client_id: client.id,
        scope: scopes.join(' '),
        sid: authorization.sessionId,
        authorization_id: authorization.id,
        organization_id: organization.id,
        organization: organization.key,
        roles: [organization.role],
        license_version: organization.licenseVersion,
        modules: modules.map((module) => module.key),
      },
      lifetime,
    );
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: lifetime,
      scope: scopes.join(' '),
      ...(client.grantTypes.includes('refresh_token')
        ? {
            refresh_token: this.opaqueTokens.mint('refresh_token', {
              authorizationId: authorization.id,
              generation: authorization.generation,
              rowSecret: authorization.rowSecret,
            }),
          }
        : {}),
      ...(scopes.includes('openid')
        ? { id_token: this.idToken(client, authorization, scopes, accessToken) }
        : {}),
    };
  }

  forMachine(client: Client, scopes: readonly string[], modules: readonly Module[]): TokenResponse {
    const lifetime = accessTokenLifetime(client);
    const accessToken = this.accessTokens.issue(
      {
        // RFC 9068 §2.2: without a person the subject is the client
        sub: client.id,
        aud: audienceOf(modules, scopes, this.configuration.issuer),
        client_id: client.id,
        scope: scopes.join(' '),
        ...(client.organizationId === null ? {} : { organization_id: client.organizationId }),
        modules: modules.map((module) => module.key),
      },
      lifetime,
    );
    return { access_token: accessToken, token_type: 'Bearer', expires_in: lifetime, scope: scopes.join(' ') };
  }

  private idToken(
    client: Client,
    authorization: Authorization,
    scopes: readonly string[],
    accessToken: string,
  ): string {
    const { organization } = authorization;
    return this.idTokens.issue({
      sub: authorization.userId,
      clientId: client.id,
      algorithm: client.idTokenAlgorithm,
      authTime: authorization.authTime,
      sid: authorization.sessionId,
      amr: authorization.amr,
      nonce: authorization.nonce ?? undefined,
      accessToken,
      claims: {
        ...personClaims(authorization, scopes),
        organization_id: organization.id,
        organization: organization.key,
        organization_name: organization.name,
      },
    });
  }
}

/** OpenID Connect Core §5.4: which claims `profile` and `email` give. */
export function personClaims(
  person: { readonly name: string; readonly email: string },
  scopes: readonly string[],
): Record<string, string> {
  return {
    ...(scopes.includes('profile') ? { name: person.name } : {}),
    ...(scopes.includes('email') ? { email: person.email } : {}),
  };
}

function accessTokenLifetime(client: Client): number {
  return Math.min(client.accessTokenSeconds, MAX_LIFETIME.accessToken);
}

/** The modules concerned; and this server, whose userinfo endpoint an `openid` token opens. Never empty. */
function audienceOf(modules: readonly Module[], scopes: readonly string[], issuer: string): string[] {
  const urls = modules.map((module) => module.baseUrl);
  return scopes.includes('openid') || urls.length === 0 ? [...urls, issuer] : urls;
}
