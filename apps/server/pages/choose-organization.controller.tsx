import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, IsString, IsUUID } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountRepository } from '#accounts';
import { Configuration, CurrentSession, PublicError, RequireAnySession } from '#platform';
import { Csrf, SessionCookie, SessionRepository, type Session } from '#sessions';
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
    private readonly cookie: SessionCookie,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly pages: Pages,
    private readonly configuration: Configuration,
  ) {}

  @Get()
  @RequireAnySession()
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
        organizations={memberships.map(({ id, key, name, role, customRole }) => ({
          id,
          key: memberships.some((other) => other.id !== id && other.name === name) ? key : undefined,
          name,
          role,
          customRole,
          current: id === session.organization?.id,
        }))}
        message={authorization && `Choose the organization to use in ${authorization.client.name}.`}
        mayCreate={this.configuration.organizationCreation === 'on'}
      />
    );
    this.pages.send(reply, view, { formLeadsTo: await this.returnAddress.formTargets(returnTo) });
  }

  @Post()
  @RequireAnySession()
  async choose(
    @Body() form: ChoiceForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    const returnTo = await this.returnAddress.safe(form.return_to);
    const secret = this.cookie.read(request) ?? '';
    const choice = await this.sessions.chooseOrganization(session, secret, form.organization_id);
    switch (choice.kind) {
      case 'chosen':
        this.cookie.set(reply, choice.secret);
        reply.redirect(returnTo, 303);
        return;
      case 'renewed-elsewhere':
        // the browser has the new secret by now, from the answer to its other tab
        reply.redirect(`/choose-organization?${new URLSearchParams({ return_to: returnTo })}`, 303);
        return;
      case 'not-a-member':
        throw new PublicError(403, 'access_denied', 'You do not belong to that organization.');
    }
  }
}
