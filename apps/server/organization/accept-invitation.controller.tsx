import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  InvitationAcceptanceRepository,
  invalidInvitation,
  nameProblem,
  PasswordHasher,
  PasswordRules,
  wordsAboutInvited,
  type OpenInvitation,
} from '#accounts';
import { isSecret, PublicError } from '#platform';
import { actorOf, Csrf, SessionCookie, SessionRepository, SignIn, type Session } from '#sessions';
import { BrowserCookies } from '../pages/browser-cookies.js';
import { TokenForm, TokenQuery } from '../pages/forms.js';
import { Pages } from '../pages/pages.js';
import { accountOf } from '../pages/visit.js';
import {
  AcceptInvitationView,
  InvalidInvitationView,
  type AcceptInvitationProps,
} from './accept-invitation.view.js';
import { Invitations, type Acceptance } from './invitations.service.js';
import { ForWhoeverHoldsTheLink } from './organization-route.js';

class AcceptanceForm extends TokenForm {
  @IsOptional()
  @IsString({ message: 'name must be sent once.' })
  @MaxLength(1000, { message: 'The name is too long.' })
  name?: string;

  @IsOptional()
  @IsString({ message: 'password must be sent once.' })
  @MaxLength(1024, { message: 'The password is too long.' })
  password?: string;
}

interface Guest {
  readonly session: Session | undefined;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Where the link of an invitation leads. To look at it uses nothing: scanners of mail do so too. */
@Controller('invitation')
export class AcceptInvitationController {
  constructor(
    private readonly invitations: Invitations,
    private readonly acceptance: InvitationAcceptanceRepository,
    private readonly passwords: PasswordHasher,
    private readonly rules: PasswordRules,
    private readonly signIn: SignIn,
    private readonly cookies: BrowserCookies,
    private readonly sessions: SessionRepository,
    private readonly cookie: SessionCookie,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @ForWhoeverHoldsTheLink('See an invitation')
  async show(
    @Query() { token }: TokenQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const guest = await this.guest(request, reply);
    const invitation = await this.find(token);
    if (!invitation || token === undefined) return this.refuse(guest);
    this.page(guest, token, invitation);
  }

  @Post()
  @ForWhoeverHoldsTheLink('Accept an invitation; as the invited address alone')
  async accept(
    @Body() form: AcceptanceForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    const guest = await this.guest(request, reply);
    const { token } = form;
    const invitation = await this.find(token);
    if (!invitation || token === undefined) return this.refuse(guest);
    try {
      if (guest.session) await this.join(guest, guest.session, token, invitation);
      else if (invitation.hasAccount) this.page(guest, token, invitation, undefined, 403);
      else await this.joinAnew(guest, form, token, invitation);
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      if (error.code === invalidInvitation().code) return this.refuse(guest);
      if (error.code !== 'other_address' && error.code !== 'email_taken') throw error;
      const now = (await this.find(token)) ?? invitation;
      this.page(guest, token, now, { name: form.name ?? '', problem: error.publicMessage }, error.status);
    }
  }

  private async join(
    { request, reply }: Guest,
    session: Session,
    token: string,
    { licenseId }: OpenInvitation,
  ): Promise<void> {
    const accepted = await this.invitations.accept(token, licenseId, actorOf(session, request.ip));
    if (accepted.organizationId !== undefined) {
      const secret = this.cookie.read(request) ?? '';
      const choice = await this.sessions.chooseOrganization(session, secret, accepted.organizationId);
      if (choice.kind === 'chosen') this.cookie.set(reply, choice.secret);
    }
    reply.redirect(destinationOf(accepted), 303);
  }

  private async joinAnew(
    guest: Guest,
    { name = '', password = '' }: AcceptanceForm,
    token: string,
    invitation: OpenInvitation,
  ): Promise<void> {
    const { request, reply } = guest;
    const { email } = invitation;
    const problems = {
      nameProblem: nameProblem(name),
      passwordProblem: await this.rules.problem(password, { about: wordsAboutInvited(invitation, name) }),
    };
    if (problems.nameProblem !== undefined || problems.passwordProblem !== undefined) {
      this.page(guest, token, invitation, { name, password, ...problems }, 400);
      return;
    }
    const passwordHash = await this.passwords.hash(password);
    const person = { name, passwordHash };
    const { licenseId } = invitation;
    const accepted = await this.invitations.acceptWithNewAccount(token, licenseId, person, request.ip);
    const account = { id: accepted.userId, email, name, disabledAt: null };
    const signedIn = await this.signIn.start(account, ['pwd'], this.cookies.read(request));
    this.cookies.set(request, reply, signedIn);
    reply.header('cache-control', 'no-store').redirect(destinationOf(accepted), 303);
  }

  private async find(token: string | undefined): Promise<OpenInvitation | undefined> {
    return isSecret(token) ? this.acceptance.find(token) : undefined;
  }

  private async guest(request: FastifyRequest, reply: FastifyReply): Promise<Guest> {
    return { session: await this.sessions.find(this.cookie.read(request)), request, reply };
  }

  private refuse(guest: Guest): void {
    const view = <InvalidInvitationView account={this.accountOf(guest)} />;
    this.pages.send(guest.reply, view, { status: invalidInvitation().status });
  }

  private page(
    guest: Guest,
    secret: string,
    invitation: OpenInvitation,
    typed?: AcceptInvitationProps['typed'],
    status = 200,
  ): void {
    const csrfToken = this.csrf.token(guest.request, guest.reply);
    const view = (
      <AcceptInvitationView {...{ csrfToken, secret, invitation, typed }} account={this.accountOf(guest)} />
    );
    this.pages.send(guest.reply, view, { status, scripted: true });
  }

  private accountOf({ session, request, reply }: Guest) {
    return session && accountOf({ session, request, reply }, this.csrf);
  }
}

function destinationOf({ organizationId, seatMissed }: Acceptance): string {
  if (organizationId === undefined) return '/';
  return `/organization?done=${seatMissed ? 'joined-without-seat' : 'joined'}`;
}
