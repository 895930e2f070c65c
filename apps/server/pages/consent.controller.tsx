import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  Authorize,
  AuthorizationError,
  ConsentRepository,
  ModuleDirectory,
  type AuthorizationRequest,
} from '#oauth';
import { CurrentSession, PublicError, RequireSession } from '#platform';
import { Csrf, type Session } from '#sessions';
import { ConsentView } from './consent.view.js';
import { Pages } from './pages.js';
import { ReturnAddress } from './return-address.js';

class ConsentQuery {
  @IsString({ message: 'This page is only reached from an application.' })
  return_to!: string;
}

class ConsentForm extends ConsentQuery {
  @IsOptional()
  @IsString()
  csrf_token?: string;

  @IsIn(['allow', 'deny'], { message: 'Choose to allow or to deny.' })
  decision!: 'allow' | 'deny';
}

@Controller('consent')
export class ConsentController {
  constructor(
    private readonly authorize: Authorize,
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
    const { client, scopes, redirectUri } = authorization;
    const view = (
      <ConsentView
        csrfToken={this.csrf.token(request, reply)}
        returnTo={returnTo}
        client={{ name: client.name, host: new URL(redirectUri).host, firstParty: client.firstParty }}
        person={session}
        organization={organization}
        scope={scopes.join(' ')}
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
      const denied = new AuthorizationError('access_denied', 'The person did not allow it.', authorization);
      reply.redirect(this.authorize.errorUrl(denied), 303);
      return;
    }
    await this.consents.grant({
      userId: session.userId,
      clientId: authorization.client.id,
      organizationId: organization.id,
      scopes: authorization.scopes,
    });
    reply.redirect(returnTo, 303);
  }

  private async asked(address: string, session: Session) {
    const returnTo = await this.returnAddress.safe(address);
    const authorization: AuthorizationRequest | undefined =
      await this.returnAddress.authorizationRequest(returnTo);
    if (!authorization || !session.organization) {
      throw new PublicError(400, 'invalid_request', 'Nothing is waiting for your consent.');
    }
    return { returnTo, authorization, organization: session.organization };
  }
}
