import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, IsString, IsUUID } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountRepository } from '#accounts';
import { Authorize } from '#oauth';
import { Configuration, CurrentSession, PublicError, RequireAnySession } from '#platform';
import { Csrf, SessionCookie, SessionRepository, type Session } from '#sessions';
import { AuthorizationAnswers } from './authorization-answers.js';
import { ChooseOrganizationView } from './choose-organization.view.js';
import { Pages } from './pages.js';
import { resumed, ReturnAddress } from './return-address.js';

class ReturnQuery {
  @IsOptional()
  @IsString()
  return_to?: string;
}

class DeclineForm extends ReturnQuery {
  @IsOptional()
  @IsString()
  csrf_token?: string;
}

class ChoiceForm extends DeclineForm {
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
    private readonly authorize: Authorize,
    private readonly answers: AuthorizationAnswers,
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
        application={authorization?.client.name}
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

  /** Who has none and makes none goes back to the application, which hears of it (RFC 6749 §4.1.2.1). */
  @Post('decline')
  @RequireAnySession()
  async decline(
    @Body() form: DeclineForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    const returnTo = await this.returnAddress.safe(form.return_to);
    if (!(await this.returnAddress.authorizationRequest(returnTo))) {
      throw new PublicError(400, 'invalid_request', 'No application is waiting for your answer.');
    }
    const description = 'The person acts for no organization, and this needs one.';
    this.answers.send(reply, await this.authorize.deny(resumed(returnTo), description));
  }
}
