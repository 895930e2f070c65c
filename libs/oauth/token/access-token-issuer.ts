import { Injectable } from '@nestjs/common';
import { AccessTokens, OpaqueAccessTokens, type AccessTokenClaims, type AccessTokenGrant } from '#tokens';
import { MAX_LIFETIME, type Client } from '../clients/client.js';
import { InvalidScope } from '../oauth.errors.js';

/**
 * Characters of the longest access token: with a DPoP proof and a name it fits into the 8 KiB that proxies allow a
 * request's header.
 */
export const LONGEST_ACCESS_TOKEN = 6144;

export interface IssuedAccessToken {
  readonly access_token: string;
  /** RFC 9449 §5: `DPoP` when the access token is bound to a key. */
  readonly token_type: 'Bearer' | 'DPoP';
  readonly expires_in: number;
  readonly scope: string;
}

export interface AccessTokenTerms {
  /** Thumbprint of the key that the token is bound to (RFC 9449 §6). */
  readonly jkt: string | undefined;
  /** Seconds since the epoch that it must not outlive. */
  readonly until?: number;
}

/** Access tokens in the format that the client's policy asks for, of a size that every proxy lets through. */
@Injectable()
export class AccessTokenIssuer {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly opaqueAccessTokens: OpaqueAccessTokens,
  ) {}

  /** @throws InvalidScope when so much was granted that the token would be too long */
  async issue(
    client: Client,
    grant: AccessTokenGrant,
    { jkt, until = Infinity }: AccessTokenTerms,
  ): Promise<IssuedAccessToken> {
    const lifetime = Math.min(client.accessTokenSeconds, MAX_LIFETIME.accessToken);
    const fresh = this.accessTokens.claims(jkt === undefined ? grant : { ...grant, cnf: { jkt } }, lifetime);
    const claims = { ...fresh, exp: Math.min(fresh.exp, until) };
    const token = await this.write(client, claims);
    if (token.length > LONGEST_ACCESS_TOKEN) {
      throw new InvalidScope(
        'So much was asked for that the token would be too long for a request header: ask for fewer scopes, or for one resource.',
      );
    }
    return {
      access_token: token,
      token_type: jkt === undefined ? 'Bearer' : 'DPoP',
      expires_in: claims.exp - claims.iat,
      scope: claims.scope,
    };
  }

  private async write(client: Client, claims: AccessTokenClaims): Promise<string> {
    return client.accessTokenFormat === 'opaque'
      ? this.opaqueAccessTokens.seal(claims)
      : this.accessTokens.sign(claims);
  }
}
