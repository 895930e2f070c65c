import { Injectable } from '@nestjs/common';
import { reachedAcr, acrOf } from '#sessions';
import { IdTokens, OpaqueTokens } from '#tokens';
import type { Audience } from '../audience.js';
import type { Authorization } from '../authorization/authorization.js';
import { acceptedValues, type ClaimsRequest } from '../authorization/claims-request.js';
import type { Client } from '../clients/client.js';
import { AccessTokenIssuer, type IssuedAccessToken } from './access-token-issuer.js';
import { personGrant } from './person-grant.js';

/** RFC 6749 §5.1, OpenID Connect Core §3.1.3.3 */
export interface TokenResponse extends IssuedAccessToken {
  readonly refresh_token?: string;
  readonly id_token?: string;
  /** RFC 8693 §2.2.1 */
  readonly issued_token_type?: string;
}

/** Signs what an authorization gives. */
@Injectable()
export class TokenResponses {
  constructor(
    private readonly accessTokens: AccessTokenIssuer,
    private readonly idTokens: IdTokens,
    private readonly opaqueTokens: OpaqueTokens,
  ) {}

  /** @param jkt thumbprint of the key that the access token is bound to (RFC 9449 §6) */
  async forPerson(
    client: Client,
    authorization: Authorization,
    audience: Audience,
    jkt: string | undefined,
  ): Promise<TokenResponse> {
    const { scopes } = audience;
    const issued = await this.accessTokens.issue(client, personGrant(client, authorization, audience), {
      jkt,
    });
    return {
      ...issued,
      ...(client.grantTypes.includes('refresh_token')
        ? {
            // by the key of the instant of the step, so that a retry across a rotation gets the same text
            refresh_token: this.opaqueTokens.mint(
              'refresh_token',
              {
                authorizationId: authorization.id,
                generation: authorization.generation,
                rowSecret: authorization.rowSecret,
              },
              authorization.rotatedAt,
            ),
          }
        : {}),
      ...(scopes.includes('openid')
        ? { id_token: this.idToken(client, authorization, scopes, issued.access_token) }
        : {}),
    };
  }

  async forMachine(client: Client, audience: Audience, jkt: string | undefined): Promise<TokenResponse> {
    const grant = {
      // RFC 9068 §2.2: without a person the subject is the client
      sub: client.id,
      aud: audience.identifiers,
      client_id: client.id,
      scope: audience.scopes.join(' '),
      ...(client.organizationId === null ? {} : { organization_id: client.organizationId }),
      modules: audience.modules.map((module) => module.key),
    };
    return this.accessTokens.issue(client, grant, { jkt });
  }

  private idToken(
    client: Client,
    authorization: Authorization,
    scopes: readonly string[],
    accessToken: string,
  ): string {
    const { organization, claims } = authorization;
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
        ...personClaims(authorization, scopes, claims?.id_token),
        acr:
          reachedAcr(authorization.amr, acceptedValues(claims?.id_token?.['acr']) ?? []) ??
          acrOf(authorization.amr),
        ...(organization
          ? {
              organization_id: organization.id,
              organization: organization.key,
              organization_name: organization.name,
            }
          : {}),
      },
    });
  }
}

/** OpenID Connect Core §5.4, §5.5: the claims that the scopes give, and those that were asked for one by one. */
export function personClaims(
  person: { readonly name: string; readonly email: string; readonly emailVerified: boolean },
  scopes: readonly string[],
  requested: ClaimsRequest['id_token'] = {},
): Record<string, string | boolean> {
  return {
    ...(scopes.includes('profile') || 'name' in requested ? { name: person.name } : {}),
    ...(scopes.includes('email') || 'email' in requested ? { email: person.email } : {}),
    // §5.1: whether the provider has seen to it that the person read mail there
    ...(scopes.includes('email') || 'email_verified' in requested
      ? { email_verified: person.emailVerified }
      : {}),
  };
}
