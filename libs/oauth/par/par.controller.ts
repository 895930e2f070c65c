import { Body, Controller, Header, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ClientAuthentication, Configuration, CurrentClient, randomSecret, type FormFields } from '#platform';
import { audienceOf } from '../audience.js';
import {
  AuthorizationError,
  keptFields,
  readAuthorizationRequest,
} from '../authorization/authorization-request.js';
import {
  PUSHED_REQUEST_SECONDS,
  PushedRequestRepository,
} from '../authorization/pushed-request.repository.js';
import { REQUEST_URI_PREFIX } from '../authorization/submitted-request.js';
import { ClientDirectory } from '../clients/client-directory.js';
import type { Client } from '../clients/client.js';
import { DpopProofs } from '../dpop/dpop-proofs.js';
import { ModuleDirectory } from '../module-directory.js';
import { InvalidRequest, OAuthError } from '../oauth.errors.js';

const PATH = 'oauth2/par';

interface PushedAuthorizationResponse {
  readonly request_uri: string;
  /** seconds */
  readonly expires_in: number;
}

/** Pushed authorization requests (RFC 9126) */
@Controller(PATH)
export class ParController {
  constructor(
    private readonly requests: PushedRequestRepository,
    private readonly clients: ClientDirectory,
    private readonly proofs: DpopProofs,
    private readonly modules: ModuleDirectory,
    private readonly configuration: Configuration,
  ) {}

  @Post()
  @HttpCode(201)
  @ClientAuthentication({ takesProof: true })
  // RFC 9126 §2.2
  @Header('cache-control', 'no-store')
  async push(
    @Body() body: FormFields | undefined,
    @CurrentClient() client: Client,
    @Req() { headers }: FastifyRequest,
  ): Promise<PushedAuthorizationResponse> {
    const fields = { ...body };
    // RFC 9126 §2.1
    if (fields['request_uri'] !== undefined) throw new InvalidRequest('request_uri cannot be pushed.');
    const jkt = await this.proofs.verify({ method: 'POST', path: `/${PATH}`, headers });
    bindTo(jkt, fields);
    try {
      // RFC 9126 §2.1 (3): as the authorization endpoint would
      const { scopes, resources } = readAuthorizationRequest(fields, client, true);
      audienceOf(
        { all: await this.modules.all(), issuer: this.configuration.issuer },
        client,
        scopes,
        resources,
      );
    } catch (error) {
      // RFC 9126 §2.3: what would be redirected from the authorization endpoint is answered here
      if (error instanceof AuthorizationError) throw new OAuthError(400, error.code, error.description);
      if (error instanceof OAuthError) throw new OAuthError(400, error.code, error.publicMessage);
      throw error;
    }
    await this.clients.keep(client);
    const reference = randomSecret();
    await this.requests.push(reference, client.id, { ...keptFields(fields), client_id: client.id });
    return { request_uri: `${REQUEST_URI_PREFIX}${reference}`, expires_in: PUSHED_REQUEST_SECONDS };
  }
}

/** RFC 9449 §10.1: a proof at this endpoint binds the code to its key, as `dpop_jkt` does. */
function bindTo(jkt: string | undefined, fields: FormFields): void {
  if (jkt === undefined) return;
  if (fields['dpop_jkt'] !== undefined && fields['dpop_jkt'] !== jkt)
    throw new InvalidRequest('dpop_jkt and the DPoP proof name different keys.');
  fields['dpop_jkt'] = jkt;
}
