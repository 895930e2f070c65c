import { Injectable } from '@nestjs/common';
import { Configuration } from '#platform';
import { AccessTokens, type AccessTokenClaims, type AccessTokenGrant } from '#tokens';
import { audienceOf, requireServerAlone, type Audience } from '../../audience.js';
import { isPublic, type Client } from '../../clients/client.js';
import { IssuancePolicy, licenseDenied } from '../../issuance-policy.js';
import { ModuleDirectory } from '../../module-directory.js';
import { InvalidRequest, UnauthorizedClient } from '../../oauth.errors.js';
import { scopesForRole } from '../../role-policy.js';
import { requestedScopes } from '../../scope.js';
import { AccessTokenIssuer } from '../access-token-issuer.js';
import {
  actOf,
  clientChainOf,
  requireAcceptable,
  requireReached,
  tokenChainOf,
  unacceptable,
  type Exchange,
} from '../exchange/exchange-policy.js';
import { JWT_TYPE, readExchangeRequest, type PresentedTokenOfType } from '../exchange/exchange-request.js';
import { ExchangeRepository } from '../exchange/exchange.repository.js';
import { personGrant, type GrantingAuthorization } from '../person-grant.js';
import type { TokenResponse } from '../token-response.js';
import type { TokenRequest } from '../token-request.js';

/** RFC 8693: a token for less, or in another's name, that lives and dies with the one that it was exchanged for. */
@Injectable()
export class TokenExchangeGrant {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly exchanges: ExchangeRepository,
    private readonly modules: ModuleDirectory,
    private readonly policy: IssuancePolicy,
    private readonly issuer: AccessTokenIssuer,
    private readonly configuration: Configuration,
  ) {}

  async handle(request: TokenRequest, client: Client, jkt: string | undefined): Promise<TokenResponse> {
    // RFC 8693 §2.1, §5: without client authentication whoever finds a token could exchange it
    if (isPublic(client)) throw new UnauthorizedClient('A public client may not exchange tokens.');
    const context = { all: await this.modules.all(), issuer: this.configuration.issuer };
    const wish = readExchangeRequest(request, context);
    if (wish.requestedType === JWT_TYPE && client.accessTokenFormat === 'opaque') {
      throw new InvalidRequest('This client gets opaque access tokens alone.');
    }
    const subject = await this.verified(wish.subject);
    const actor = wish.actor && (await this.verified(wish.actor));
    const exchange: Exchange = { client, all: context.all, jkt, subject, actor };
    requireAcceptable(exchange);
    const authorization = await this.liveSubject(exchange);

    const scopes = requestedScopes(request.scope, grantableScopes(exchange, authorization));
    const audience = audienceOf(context, client, scopes, wish.targets);
    requireReached(audience, exchange);
    const admitted = await this.admitted(exchange, authorization, audience);

    const grant = admitted ? personGrant(client, admitted, audience) : machineGrant(exchange, audience);
    const issued = await this.issuer.issue(
      client,
      { ...grant, ...inherited(exchange) },
      {
        jkt,
        until: Math.min(subject.exp, actor?.exp ?? Infinity),
      },
    );
    await this.exchanges.record({
      clientId: client.id,
      subject,
      actor,
      audience: audience.identifiers,
      scope: issued.scope,
    });
    // RFC 8693 §2.2.1; never a refresh token: the subject token is what could be exchanged again
    return { ...issued, issued_token_type: wish.requestedType };
  }

  /** RFC 8693 §2.2.2 */
  private async verified({ text, type }: PresentedTokenOfType): Promise<AccessTokenClaims> {
    const claims = await this.accessTokens.verify(text);
    if (!claims) throw unacceptable('not an access token of this server, or expired');
    // RFC 7516 §9: three parts are signed; five are encrypted, and so no JWT to anybody but this server
    if (type === JWT_TYPE && text.split('.').length !== 3) throw unacceptable('said to be a JWT and is none');
    return claims;
  }

  /** @returns null when the subject is a machine */
  private async liveSubject({ subject, actor }: Exchange): Promise<GrantingAuthorization | null> {
    const [authorization, acting] = await this.exchanges.live(actor ? [subject, actor] : [subject]);
    if (authorization === undefined) throw unacceptable('the subject token has ended');
    if (actor && acting === undefined) throw unacceptable('the actor token has ended');
    return authorization;
  }

  /** @returns the authorization with the license version that admitted the person */
  private async admitted(
    { subject }: Exchange,
    authorization: GrantingAuthorization | null,
    audience: Audience,
  ): Promise<GrantingAuthorization | null> {
    const organization = authorization ? authorization.organization : machineOrganization(subject);
    if (!organization) {
      if (authorization) requireServerAlone(audience, this.configuration.issuer);
      return authorization;
    }
    const userId = authorization?.userId ?? null;
    const { refusal, licenseVersion } = await this.policy.admit(audience.modules, organization, userId);
    if (refusal) throw licenseDenied(refusal);
    if (!authorization?.organization || licenseVersion === undefined) return authorization;
    return { ...authorization, organization: { ...authorization.organization, licenseVersion } };
  }
}

/** What the subject token allows, this client may have, and the person's role is not kept from by now. */
function grantableScopes(
  { subject, client, all }: Exchange,
  authorization: GrantingAuthorization | null,
): string[] {
  const held = subject.scope
    .split(' ')
    // no refresh token comes of an exchange, so nothing is granted offline
    .filter((scope) => client.scopes.includes(scope) && scope !== 'offline_access');
  return authorization ? scopesForRole(all, held, authorization.organization) : held;
}

function machineOrganization({
  organization_id: id,
}: AccessTokenClaims): { readonly id: string } | undefined {
  return id === undefined ? undefined : { id };
}

function machineGrant({ client, subject }: Exchange, audience: Audience): AccessTokenGrant {
  return {
    sub: subject.sub,
    aud: audience.identifiers,
    client_id: client.id,
    scope: audience.scopes.join(' '),
    ...(subject.organization_id === undefined ? {} : { organization_id: subject.organization_id }),
    modules: audience.modules.map((module) => module.key),
  };
}

/** What the new token has from those before it, whatever it is for. */
function inherited(
  exchange: Exchange,
): Pick<AccessTokenGrant, 'act' | 'may_act' | 'client_chain' | 'token_chain'> {
  const { subject, client } = exchange;
  const act = actOf(exchange);
  return {
    client_chain: clientChainOf(exchange),
    token_chain: tokenChainOf(exchange),
    ...(act ? { act } : {}),
    // who may go on is said by the client that hands the token on, else by the one before it
    ...(subject.may_act && client.mayAct === null ? { may_act: subject.may_act } : {}),
  };
}
