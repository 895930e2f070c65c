import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { emailProblem } from '#accounts';
import { Configuration, Public } from '#platform';
import { Csrf, Registration } from '#sessions';
import { limitMet, ToldOfLimits } from '../rate-limit.guard.js';
import { BrowserCookies } from './browser-cookies.js';
import { FORM_EXPIRED, refused, type FormFailure } from './form-failure.js';
import { EmailForm, TokenForm, TokenQuery } from './forms.js';
import { DeadLinkView, MailSentView, MessageView } from './message.view.js';
import { Pages } from './pages.js';
import { CompleteRegistrationView, RegisterView } from './register.view.js';

class CompletionForm extends TokenForm {
  @IsOptional()
  @IsString({ message: 'name must be sent once.' })
  name?: string;

  @IsOptional()
  @IsString({ message: 'password must be sent once.' })
  password?: string;
}

/** From an address to an account: a mail proves the address first, and no answer tells whether it has an account. */
@Controller('register')
export class RegisterController {
  constructor(
    private readonly registration: Registration,
    private readonly cookies: BrowserCookies,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
    private readonly configuration: Configuration,
  ) {}

  @Get()
  @Public()
  show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (this.isClosed(reply)) return;
    this.ask(request, reply);
  }

  @Post()
  @Public()
  @ToldOfLimits()
  async begin(
    @Body() form: EmailForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (this.isClosed(reply)) return;
    const { email = '' } = form;
    const problem = emailProblem(email);
    const failure =
      limitMet(request) ??
      (this.csrf.holds(request, form.csrf_token)
        ? problem && refused('The e-mail address cannot be used.', { email: problem })
        : FORM_EXPIRED);
    if (failure) return this.ask(request, reply, { email, failure });
    await this.registration.begin(email, request.ip);
    reply.header('cache-control', 'no-store').redirect('/register/sent', 303);
  }

  @Get('sent')
  @Public()
  sent(@Res() reply: FastifyReply): void {
    const view = (
      <MailSentView>
        A mail is on its way to the address. Its link works for one hour and leads to your account.
      </MailSentView>
    );
    this.pages.send(reply, view);
  }

  @Get('complete')
  @Public()
  async choose(
    @Query() { token = '' }: TokenQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (this.isClosed(reply)) return;
    await this.form(request, reply, { token });
  }

  @Post('complete')
  @Public()
  async complete(
    @Body() form: CompletionForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (this.isClosed(reply)) return;
    const { token = '', name = '', password = '' } = form;
    const again = (failure: FormFailure) => this.form(request, reply, { token, name, password, failure });
    if (!this.csrf.holds(request, form.csrf_token)) return again(FORM_EXPIRED);

    const result = await this.registration.complete(
      { secret: token, name, password },
      this.cookies.read(request),
    );
    if (result.kind === 'invalid') return this.deadLink(reply);
    if (result.kind === 'taken') return this.taken(reply);
    if (result.kind === 'refused') {
      const { name: nameError, password: passwordError } = result;
      return again(
        refused('The account has not been made yet.', { name: nameError, password: passwordError }),
      );
    }
    this.cookies.set(request, reply, result);
    reply.header('cache-control', 'no-store').redirect('/', 303);
  }

  private ask(
    request: FastifyRequest,
    reply: FastifyReply,
    typed: { email?: string; failure?: FormFailure } = {},
  ): void {
    const view = <RegisterView {...typed} csrfToken={this.csrf.token(request, reply)} />;
    this.pages.send(reply, view, { failure: typed.failure });
  }

  private async form(
    request: FastifyRequest,
    reply: FastifyReply,
    typed: { token: string; name?: string; password?: string; failure?: FormFailure },
  ): Promise<void> {
    const email = await this.registration.pending(typed.token);
    if (email === undefined) return this.deadLink(reply);
    const view = (
      <CompleteRegistrationView {...typed} email={email} csrfToken={this.csrf.token(request, reply)} />
    );
    this.pages.send(reply, view, { failure: typed.failure, scripted: true });
  }

  private deadLink(reply: FastifyReply): void {
    this.pages.send(reply, <DeadLinkView again="/register" />, { status: 400 });
  }

  private taken(reply: FastifyReply): void {
    const view = (
      <MessageView title="You have an account already" action={{ href: '/sign-in', label: 'Sign in' }}>
        <p class="lead">An account with this address was made meanwhile.</p>
      </MessageView>
    );
    this.pages.send(reply, view, { status: 409 });
  }

  /** @returns whether that was answered */
  private isClosed(reply: FastifyReply): boolean {
    if (this.configuration.selfRegistration === 'on') return false;
    const view = (
      <MessageView title="Accounts are made by invitation" action={{ href: '/sign-in', label: 'Sign in' }}>
        <p class="lead">Ask an administrator of your organization for one.</p>
      </MessageView>
    );
    this.pages.send(reply, view, { status: 403 });
    return true;
  }
}
