import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock, Configuration, CurrentSession, RequireAnySession, RequireRecentSession } from '#platform';
import { AddressChange, Csrf, type Session } from '#sessions';
import { FORM_EXPIRED, paused, refused, type FormFailure } from '../pages/form-failure.js';
import { EmailForm, TokenForm, TokenQuery } from '../pages/forms.js';
import type { Account } from '../pages/layout.js';
import { DeadLinkView, MailSentView, MessageView } from '../pages/message.view.js';
import { Pages } from '../pages/pages.js';
import { ChangeAddressView, ConfirmAddressView } from './address.view.js';
import { newAddressProblem } from './new-address.js';

class ChangeAddressForm extends EmailForm {
  @IsOptional()
  @IsString({ message: 'current_password must be sent once.' })
  current_password?: string;
}

/** What the pages of one request share. */
interface Visit {
  readonly session: Session;
  readonly account: Account;
  readonly reply: FastifyReply;
}

@Controller('account/address')
export class AddressController {
  constructor(
    private readonly change: AddressChange,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  @Get()
  @RequireRecentSession('/account/address')
  async show(
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const visit = this.visit(session, request, reply);
    if (!this.isWithoutMail(visit)) await this.form(visit, '');
  }

  @Post()
  @RequireRecentSession('/account/address')
  async begin(
    @Body() form: ChangeAddressForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const visit = this.visit(session, request, reply);
    if (this.isWithoutMail(visit)) return;
    const { email = '', current_password: password = '' } = form;
    if (!this.csrf.holds(request, form.csrf_token)) return this.form(visit, email, FORM_EXPIRED);
    const fields = {
      email: newAddressProblem(email, session.email),
      current_password:
        password === '' && (await this.change.asksPassword(session)) ? 'Enter your password.' : undefined,
    };
    if (fields.email !== undefined || fields.current_password !== undefined) {
      return this.form(visit, email, notChanged(fields));
    }
    const result = await this.change.begin(session, { email, password }, request.ip);
    if (result.kind === 'wrong') {
      return this.form(visit, email, notChanged({ current_password: 'This is not your password.' }));
    }
    if (result.kind === 'locked') {
      const failure = paused(result.until, this.clock.now());
      reply.header('retry-after', String(failure.retryAfter));
      return this.form(visit, email, failure);
    }
    reply.header('cache-control', 'no-store').redirect('/account/address/sent', 303);
  }

  @Get('sent')
  @RequireAnySession()
  sent(@CurrentSession() session: Session, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const visit = this.visit(session, request, reply);
    if (this.isWithoutMail(visit)) return;
    const { account } = visit;
    const view = (
      <MailSentView account={account}>
        A mail is on its way to the new address. Follow its link within an hour, while you are signed in here.
      </MailSentView>
    );
    this.pages.send(reply, view);
  }

  @Get('confirm')
  @RequireAnySession()
  async confirm(
    @Query() { token = '' }: TokenQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.question(this.visit(session, request, reply), token);
  }

  @Post('confirm')
  @RequireAnySession()
  async complete(
    @Body() form: TokenForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const visit = this.visit(session, request, reply);
    const { token = '' } = form;
    if (!this.csrf.holds(request, form.csrf_token)) return this.question(visit, token, FORM_EXPIRED);
    const outcome = await this.change.complete(session, token, request.ip);
    if (outcome === 'invalid') return this.deadLink(visit);
    if (outcome === 'taken') return this.taken(visit);
    reply.header('cache-control', 'no-store').redirect('/account/address/changed', 303);
  }

  @Get('changed')
  @RequireAnySession()
  changed(
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): void {
    const { account } = this.visit(session, request, reply);
    const view = (
      <MessageView
        title="Your address is changed"
        good
        account={account}
        action={{ href: '/', label: 'Go to the launcher' }}
      >
        <p class="lead">
          You sign in as <strong>{session.email}</strong> from now on.
        </p>
      </MessageView>
    );
    this.pages.send(reply, view);
  }

  /** @returns whether that was answered */
  private isWithoutMail({ account, reply }: Visit): boolean {
    if (this.configuration.sendsMail) return false;
    const view = (
      <MessageView
        title="Your address cannot change here"
        account={account}
        action={{ href: '/account', label: 'Go to your account' }}
      >
        <p class="lead">
          A new address is proved by a mail, and this installation sends none. Whoever runs it has to set
          CORE_AUTH_SMTP_URL and CORE_AUTH_MAIL_FROM first.
        </p>
      </MessageView>
    );
    this.pages.send(reply, view, { status: 403 });
    return true;
  }

  private async form(
    { session, account, reply }: Visit,
    email: string,
    failure?: FormFailure,
  ): Promise<void> {
    const asksPassword = await this.change.asksPassword(session);
    const view = (
      <ChangeAddressView account={account} asksPassword={asksPassword} email={email} failure={failure} />
    );
    this.pages.send(reply, view, { status: failure?.status ?? 200 });
  }

  private async question(visit: Visit, token: string, failure?: FormFailure): Promise<void> {
    const email = await this.change.pending(visit.session, token);
    if (email === undefined) return this.deadLink(visit);
    const view = <ConfirmAddressView account={visit.account} token={token} email={email} failure={failure} />;
    this.pages.send(visit.reply, view, { status: failure?.status ?? 200 });
  }

  private deadLink({ account, reply }: Visit): void {
    this.pages.send(reply, <DeadLinkView again="/account/address" account={account} />, { status: 400 });
  }

  private taken({ account, reply }: Visit): void {
    const view = (
      <MessageView
        title="Another account has this address"
        account={account}
        action={{ href: '/account/address', label: 'Choose another' }}
      >
        <p class="lead">It was given to another account meanwhile. Yours is as it was.</p>
      </MessageView>
    );
    this.pages.send(reply, view, { status: 409 });
  }

  private visit(session: Session, request: FastifyRequest, reply: FastifyReply): Visit {
    const { name, email } = session;
    return { session, reply, account: { name, email, csrfToken: this.csrf.token(request, reply) } };
  }
}

function notChanged(fields: Readonly<Record<string, string | undefined>>): FormFailure {
  return refused('Your address is still the old one.', fields);
}
