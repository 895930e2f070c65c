import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, IsString, IsUUID } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountRepository } from '#accounts';
import { CurrentSession, PublicError, RequireSession } from '#platform';
import { Csrf, SessionRepository, type Session } from '#sessions';
import { ChooseOrganizationView } from './choose-organization.view.js';
import { Pages } from './pages.js';
import { ReturnAddress } from './return-address.js';

class ReturnQuery {
  @IsOptional()
  @IsString()
  return_to?: string;
}

class ChoiceForm extends ReturnQuery {
  @IsOptional()
  @IsString()
  csrf_token?: string;

  @IsUUID(undefined, { message: 'Choose one of your organizations.' })
  organization_id!: string;
}

@Controller('choose-organization')
export class ChooseOrganizationController {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly sessions: SessionRepository,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireSession()
  async show(
    @Query() query: ReturnQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const returnTo = await this.returnAddress.safe(query.return_to);
    const authorization = await this.returnAddress.authorizationRequest(returnTo);
    const memberships = await this.accounts.membershipsOf(session.userId);
    const view = (
      <ChooseOrganizationView
        csrfToken={this.csrf.token(request, reply)}
        returnTo={returnTo}
        person={session}
        organizations={memberships.map(({ id, name, role }) => ({
          id,
          name,
          role,
          current: id === session.organization?.id,
        }))}
        message={authorization && `Choose the organization to use in ${authorization.client.name}.`}
      />
    );
    this.pages.send(reply, view, { formLeadsTo: await this.returnAddress.formTargets(returnTo) });
  }

  @Post()
  @RequireSession()
  async choose(
    @Body() form: ChoiceForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    if (!(await this.sessions.chooseOrganization(session, form.organization_id))) {
      throw new PublicError(403, 'access_denied', 'You do not belong to that organization.');
    }
    reply.redirect(await this.returnAddress.safe(form.return_to), 303);
  }
}
