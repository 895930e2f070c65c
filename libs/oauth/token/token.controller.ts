import { Body, Controller, Header, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ClientAuthentication, CurrentClient } from '#platform';
import { needsDpop, type Client, type GrantType } from '../clients/client.js';
import { DpopProofs } from '../dpop/dpop-proofs.js';
import {
  InvalidDpopProof,
  InvalidRequest,
  UnauthorizedClient,
  UnsupportedGrantType,
} from '../oauth.errors.js';
import { AuthorizationCodeGrant } from './grants/authorization-code.grant.js';
import { ClientCredentialsGrant } from './grants/client-credentials.grant.js';
import { DeviceCodeGrant } from './grants/device-code.grant.js';
import { RefreshTokenGrant } from './grants/refresh-token.grant.js';
import { TokenExchangeGrant } from './grants/token-exchange.grant.js';
import type { TokenResponse } from './token-response.js';
import { TokenRequest } from './token-request.js';

interface Grant {
  /** @param jkt thumbprint of the key that the client proved to hold (RFC 9449 §5) */
  handle(request: TokenRequest, client: Client, jkt: string | undefined): Promise<TokenResponse>;
}

const PATH = 'oauth2/token';

@Controller(PATH)
export class TokenController {
  private readonly grants: ReadonlyMap<string, Grant>;

  constructor(
    private readonly proofs: DpopProofs,
    code: AuthorizationCodeGrant,
    refresh: RefreshTokenGrant,
    machine: ClientCredentialsGrant,
    device: DeviceCodeGrant,
    exchange: TokenExchangeGrant,
  ) {
    this.grants = new Map<GrantType, Grant>([
      ['authorization_code', code],
      ['refresh_token', refresh],
      ['client_credentials', machine],
      ['urn:ietf:params:oauth:grant-type:device_code', device],
      ['urn:ietf:params:oauth:grant-type:token-exchange', exchange],
    ]);
  }

  @Post()
  @HttpCode(200)
  @ClientAuthentication({ takesProof: true })
  // RFC 6749 §5.1
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  async token(
    @Body() request: TokenRequest,
    @CurrentClient() client: Client,
    @Req() { headers }: FastifyRequest,
  ): Promise<TokenResponse> {
    if (request.grant_type === undefined) throw new InvalidRequest('grant_type is missing.');
    const grant = this.grants.get(request.grant_type);
    if (!grant) throw new UnsupportedGrantType();
    if (!(client.grantTypes as readonly string[]).includes(request.grant_type))
      throw new UnauthorizedClient();
    const jkt = await this.proofs.verify({ method: 'POST', path: `/${PATH}`, headers });
    if (jkt === undefined && needsDpop(client)) throw proofMissing(client, request.grant_type);
    return grant.handle(request, client, jkt);
  }
}

/** RFC 6749 §5.2: what the FAPI 2.0 conformance suite takes at a refresh; RFC 9449 §5 names none for a missing proof. */
function proofMissing({ profile }: Client, grantType: string): InvalidRequest | InvalidDpopProof {
  const message = 'This client must use DPoP.';
  return profile === 'fapi2' && grantType === 'refresh_token'
    ? new InvalidRequest(message)
    : new InvalidDpopProof(message);
}
