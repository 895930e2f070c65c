import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  AccountRepository,
  AdministratorRepository,
  MembershipRepository,
  organizationKeyOf,
  OrganizationRepository,
} from '#accounts';
import { mayAdminister } from '#licensing';
import { Configuration, CurrentSession, PublicError } from '#platform';
import { actorOf, Csrf, SessionCookie, SessionRepository, type Session } from '#sessions';
import type { Account } from '../pages/layout.js';
import { Pages } from '../pages/pages.js';
import { ReturnAddress } from '../pages/return-address.js';
import { accountOf } from '../pages/visit.js';
import { frameOf, type Frame } from './frame.js';
import { CurrentVisit, ForWhoeverIsSignedIn, InOrganization, type Visit } from './organization-route.js';
import { CreationClosedView, NewOrganizationView, OverviewView } from './overview.view.js';

const DONE = {
  created: 'The organization was created. Now invite the people who belong to it.',
  joined: 'You belong to the organization now.',
  'joined-without-seat':
    'You belong to the organization now. The seat that was kept for you was not to be had any more: ask an administrator.',
  kept: 'The organization is kept.',
} as const;

class OverviewQuery {
  @IsOptional()
  @IsIn(Object.keys(DONE))
  done?: keyof typeof DONE;
}

class NewOrganizationQuery {
  @IsOptional()
  @IsString()
  return_to?: string;
}

class NewOrganizationForm extends NewOrganizationQuery {
  @IsOptional()
  @IsString()
  csrf_token?: string;

  @IsOptional()
  @IsString({ message: 'name must be sent once.' })
  @MaxLength(1000, { message: 'The name is too long.' })
  name?: string;

  @IsOptional()
  @IsString({ message: 'key must be sent once.' })
  @MaxLength(1000, { message: 'The key is too long.' })
  key?: string;
}

@Controller('organization')
export class OrganizationOverviewController {
  constructor(
    private readonly organizations: OrganizationRepository,
    private readonly memberships: MembershipRepository,
    private readonly accounts: AccountRepository,
    private readonly administrators: AdministratorRepository,
    private readonly sessions: SessionRepository,
    private readonly cookie: SessionCookie,
    private readonly configuration: Configuration,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly pages: Pages,
  ) {}

  @Get()
  @InOrganization('organization:read', 'See the organization, one’s own role and whom to ask')
  async show(@CurrentVisit() visit: Visit, @Query() { done }: OverviewQuery): Promise<void> {
    await this.page(visit, { done: done && DONE[done] });
  }

  @Get('new')
  @ForWhoeverIsSignedIn('See the form for a new organization')
  async form(
    @Query() query: NewOrganizationQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const account = accountOf({ session, request, reply }, this.csrf);
    if (this.isClosed(reply, account)) return;
    const { returnTo, formLeadsTo } = await this.wayOn(query);
    this.pages.send(reply, <NewOrganizationView account={account} returnTo={returnTo} />, { formLeadsTo });
  }

  @Post('new')
  @ForWhoeverIsSignedIn('Create an organization, and own it')
  async create(
    @Body() form: NewOrganizationForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    if (this.isClosed(reply, accountOf({ session, request, reply }, this.csrf))) return;
    const { name = '', key } = form;
    const { returnTo, formLeadsTo } = await this.wayOn(form);
    try {
      const { id } = await this.organizations.create(
        { name, key },
        session.userId,
        actorOf(session, request.ip),
      );
      const choice = await this.sessions.chooseOrganization(session, this.cookie.read(request) ?? '', id);
      if (choice.kind === 'chosen') this.cookie.set(reply, choice.secret);
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      const field = fieldOf(error.code);
      const view = (
        <NewOrganizationView
          account={accountOf({ session, request, reply }, this.csrf)}
          returnTo={returnTo}
          name={name}
          typedKey={key ?? (field === 'key' ? organizationKeyOf(name) : undefined)}
          problem={{ field, text: error.publicMessage }}
        />
      );
      this.pages.send(reply, view, { status: error.status, formLeadsTo });
      return;
    }
    reply.redirect(returnTo ?? '/organization?done=created', 303);
  }

  @Post('leave')
  @InOrganization('organization:leave', 'Leave the organization')
  async leave(@CurrentVisit() visit: Visit): Promise<void> {
    const { session, organization, request, reply } = visit;
    const whom = { organizationId: organization.id, userId: session.userId };
    try {
      await this.memberships.remove(whom, actorOf(session, request.ip));
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      await this.page(visit, { problem: error.publicMessage }, error.status);
      return;
    }
    reply.redirect('/choose-organization', 303);
  }

  /** Where whoever makes an organization was going: to an application that asked for one, for example. */
  private async wayOn({ return_to: wanted }: NewOrganizationQuery) {
    if (wanted === undefined) return { returnTo: undefined, formLeadsTo: [] };
    const returnTo = await this.returnAddress.safe(wanted);
    return { returnTo, formLeadsTo: await this.returnAddress.formTargets(returnTo) };
  }

  private async page(visit: Visit, said: Pick<Frame, 'done' | 'problem'>, status = 200): Promise<void> {
    const { session, organization, reply } = visit;
    const details = await this.organizations.find(organization.id);
    if (!details)
      throw new PublicError(404, 'unknown_organization', 'There is no such organization any more.');
    const administrator = await this.administrators.find(session.userId);
    const view = (
      <OverviewView
        frame={frameOf(visit, this.csrf, said)}
        details={details}
        counts={await this.memberships.counts(organization.id)}
        customRole={organization.customRole?.name}
        contacts={await this.accounts.contactsOf(organization.id)}
        mayCreate={this.configuration.organizationCreation === 'on'}
        seesLicenses={mayAdminister('licenses:read', administrator, organization.id)}
      />
    );
    this.pages.send(reply, view, { status });
  }

  /** @returns whether that was answered */
  private isClosed(reply: FastifyReply, account: Account): boolean {
    if (this.configuration.organizationCreation === 'on') return false;
    this.pages.send(reply, <CreationClosedView account={account} />, { status: 403 });
    return true;
  }
}

function fieldOf(code: string): 'name' | 'key' | undefined {
  if (code === 'invalid_name') return 'name';
  return code === 'invalid_key' || code === 'organization_key_taken' ? 'key' : undefined;
}
