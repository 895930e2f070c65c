import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsString, IsUUID } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  Authorize,
  ClientDirectory,
  ConsentRepository,
  isLoopbackRedirectUri,
  ModuleDirectory,
  scopesOfClaims,
  type AuthorizationRequest,
} from '#oauth';
import { CurrentSession, PublicError, RequireSession } from '#platform';
import { Csrf, type Session } from '#sessions';
import { AuthorizationAnswers } from './authorization-answers.js';
import { ConsentView } from './consent.view.js';
import { Pages } from './pages.js';
import { resumed, ReturnAddress } from './return-address.js';

class ConsentQuery {
  @IsString({ message: 'This page is only reached from an application.' })
  return_to!: string;
}

class ConsentForm extends ConsentQuery {
  @IsOptional()
  @IsString()
  csrf_token?: string;

  /** Which one was shown; none to who belongs to none. */
  @IsOptional()
  @IsUUID(undefined, { message: 'organization_id must be an organization.' })
  organization_id?: string;

  @IsIn(['allow', 'deny'], { message: 'Choose to allow or to deny.' })
  decision!: 'allow' | 'deny';
}

@Controller('consent')
export class ConsentController {
  constructor(
    private readonly authorize: Authorize,
    private readonly answers: AuthorizationAnswers,
    private readonly clients: ClientDirectory,
    private readonly consents: ConsentRepository,
    private readonly modules: ModuleDirectory,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireSession()
  async show(
    @Query() query: ConsentQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { returnTo, authorization, organization } = await this.asked(query.return_to, session);
    const { client, scopes, claims, redirectUri } = authorization;
    const view = (
      <ConsentView
        csrfToken={this.csrf.token(request, reply)}
        returnTo={returnTo}
        client={{
          name: client.name,
          firstParty: client.firstParty,
          // draft-ietf-oauth-client-id-metadata-document-02 §8.5
          ...(client.source === 'metadata_document' ? { publisher: new URL(client.id).host } : {}),
          destination: destinationOf(redirectUri),
          loopback: isLoopbackRedirectUri(redirectUri),
        }}
        person={session}
        organization={organization}
        scope={[...new Set([...scopes, ...scopesOfClaims(claims)])].join(' ')}
        moduleNames={new Map([...(await this.modules.all())].map(([key, { name }]) => [key, name]))}
      />
    );
    this.pages.send(reply, view, { formLeadsTo: [redirectUri] });
  }

  @Post()
  @RequireSession()
  async decide(
    @Body() form: ConsentForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    const { returnTo, authorization, organization } = await this.asked(form.return_to, session);
    if (form.decision === 'deny') {
      this.answers.send(reply, await this.authorize.deny(resumed(returnTo), 'The person did not allow it.'));
      return;
    }
    // what the person saw is what they allow: another organization may have been chosen in another tab meanwhile
    if (form.organization_id !== organization?.id) {
      reply.redirect(`/consent?${new URLSearchParams({ return_to: returnTo })}`, 303);
      return;
    }
    await this.clients.keep(authorization.client);
    await this.consents.grant({
      userId: session.userId,
      clientId: authorization.client.id,
      organizationId: organization?.id ?? null,
      scopes: [...authorization.scopes, ...scopesOfClaims(authorization.claims)],
    });
    reply.redirect(returnTo, 303);
  }

  private async asked(address: string, session: Session) {
    const returnTo = await this.returnAddress.safe(address);
    const authorization: AuthorizationRequest | undefined =
      await this.returnAddress.authorizationRequest(returnTo);
    const granted = authorization && (await this.authorize.forRole(authorization, session));
    // what is left out without an organization is asked for once there is one
    const premature = !session.organization && granted?.scopes.length !== authorization?.scopes.length;
    if (!granted || premature) {
      throw new PublicError(400, 'invalid_request', 'Nothing is waiting for your consent.');
    }
    return { returnTo, authorization: granted, organization: session.organization };
  }
}

/** Whom the answer goes to: a host, or the scheme that an application on the device has for its own (RFC 8252 §7.1). */
function destinationOf(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri);
  return /^https?:$/.test(protocol) ? host : protocol.slice(0, -1);
}
