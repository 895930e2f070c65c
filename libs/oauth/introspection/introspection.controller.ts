import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ClientAuthentication, CurrentClient, numericDate } from '#platform';
import { AccessTokens, OpaqueTokens, type AccessTokenClaims } from '#tokens';
import { AuthorizationRepository } from '../authorization/authorization.repository.js';
import { isPublic, type Client } from '../clients/client.js';
import { LiveTokens } from '../live-tokens.js';
import { ModuleDirectory } from '../module-directory.js';
import { UnauthorizedClient } from '../oauth.errors.js';
import { PresentedToken } from '../presented-token.js';
import { isHolder } from '../token-holder.js';

type Introspection =
  { readonly active: false } | ({ readonly active: true } & Readonly<Record<string, unknown>>);

/** RFC 7662 §2.2: of an inactive token nothing more is said. */
const INACTIVE: Introspection = { active: false };

@Controller('oauth2/introspect')
export class IntrospectionController {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly opaqueTokens: OpaqueTokens,
    private readonly authorizations: AuthorizationRepository,
    private readonly liveTokens: LiveTokens,
    private readonly modules: ModuleDirectory,
  ) {}

  @Post()
  @HttpCode(200)
  @ClientAuthentication()
  @Header('cache-control', 'no-store')
  async introspect(
    @Body() { token }: PresentedToken,
    @CurrentClient() client: Client,
  ): Promise<Introspection> {
    // RFC 7662 §2.1: the caller is authorized, so that nobody tries tokens out here
    if (isPublic(client)) throw new UnauthorizedClient('A public client may not introspect.');
    const claims = await this.accessTokens.verify(token);
    return claims ? this.accessToken(claims, client) : this.refreshToken(token, client);
  }

  private async accessToken(claims: AccessTokenClaims, client: Client): Promise<Introspection> {
    // RFC 7662 §4: a token is shown to the client that has it and to the modules that it is meant for
    if (!isHolder(claims, client, await this.modules.all())) return INACTIVE;
    return (await this.liveTokens.find(claims))
      ? { active: true, token_type: claims.cnf ? 'DPoP' : 'Bearer', ...claims }
      : INACTIVE;
  }

  private async refreshToken(text: string, client: Client): Promise<Introspection> {
    const token = this.opaqueTokens.read('refresh_token', text);
    const state = token && (await this.authorizations.liveRefreshToken(token));
    if (state?.clientId !== client.id) return INACTIVE;
    return {
      active: true,
      client_id: state.clientId,
      sub: state.userId,
      scope: state.scopes.join(' '),
      exp: numericDate(state.expiresAt),
    };
  }
}
