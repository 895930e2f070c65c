import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { emailProblem } from '#accounts';
import { Configuration, Public } from '#platform';
import { Csrf, PasswordResets } from '#sessions';
import { limitMet, ToldOfLimits } from '../rate-limit.guard.js';
import { FORM_EXPIRED, refused, type FormFailure } from './form-failure.js';
import { EmailForm, TokenForm, TokenQuery } from './forms.js';
import { DeadLinkView, MailSentView, MessageView } from './message.view.js';
import { Pages } from './pages.js';
import { ForgotPasswordView, ResetPasswordView } from './reset-password.view.js';

class ResetForm extends TokenForm {
  @IsOptional()
  @IsString({ message: 'password must be sent once.' })
  password?: string;
}

/** From a forgotten password to another, by a mail. No answer tells whether an address has an account. */
@Controller()
export class ResetPasswordController {
  constructor(
    private readonly resets: PasswordResets,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
    private readonly configuration: Configuration,
  ) {}

  @Get('forgot-password')
  @Public()
  forgotten(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (this.isWithoutMail(reply)) return;
    this.ask(request, reply);
  }

  @Post('forgot-password')
  @Public()
  @ToldOfLimits()
  async begin(
    @Body() form: EmailForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (this.isWithoutMail(reply)) return;
    const { email = '' } = form;
    const problem = emailProblem(email);
    const failure =
      limitMet(request) ??
      (this.csrf.holds(request, form.csrf_token)
        ? problem && refused('No mail was sent.', { email: problem })
        : FORM_EXPIRED);
    if (failure) return this.ask(request, reply, { email, failure });
    await this.resets.begin(email, request.ip);
    reply.header('cache-control', 'no-store').redirect('/forgot-password/sent', 303);
  }

  @Get('forgot-password/sent')
  @Public()
  sent(@Res() reply: FastifyReply): void {
    const view = (
      <MailSentView>
        A mail is on its way to the address. Its link works for one hour and leads to a new password.
      </MailSentView>
    );
    this.pages.send(reply, view);
  }

  @Get('reset-password')
  @Public()
  async choose(
    @Query() { token = '' }: TokenQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.form(request, reply, { token });
  }

  @Post('reset-password')
  @Public()
  async reset(
    @Body() form: ResetForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { token = '', password = '' } = form;
    const again = (failure: FormFailure) => this.form(request, reply, { token, password, failure });
    if (!this.csrf.holds(request, form.csrf_token)) return again(FORM_EXPIRED);
    const result = await this.resets.complete(token, password, request.ip);
    if (result.kind === 'invalid') return this.deadLink(reply);
    if (result.kind === 'refused') {
      return again(refused('The password is still the old one.', { password: result.password }));
    }
    reply.header('cache-control', 'no-store').redirect('/reset-password/done', 303);
  }

  @Get('reset-password/done')
  @Public()
  done(@Res() reply: FastifyReply): void {
    const view = (
      <MessageView title="Your password is changed" good action={{ href: '/sign-in', label: 'Sign in' }}>
        <p class="lead">Every session of your account has ended. Sign in with the new password.</p>
      </MessageView>
    );
    this.pages.send(reply, view);
  }

  private ask(
    request: FastifyRequest,
    reply: FastifyReply,
    typed: { email?: string; failure?: FormFailure } = {},
  ): void {
    const view = <ForgotPasswordView {...typed} csrfToken={this.csrf.token(request, reply)} />;
    this.pages.send(reply, view, { failure: typed.failure });
  }

  private async form(
    request: FastifyRequest,
    reply: FastifyReply,
    typed: { token: string; password?: string; failure?: FormFailure },
  ): Promise<void> {
    const pending = await this.resets.pending(typed.token);
    if (!pending) return this.deadLink(reply);
    const view = <ResetPasswordView {...typed} {...pending} csrfToken={this.csrf.token(request, reply)} />;
    this.pages.send(reply, view, { failure: typed.failure, scripted: true });
  }

  private deadLink(reply: FastifyReply): void {
    this.pages.send(reply, <DeadLinkView again="/forgot-password" />, { status: 400 });
  }

  /** @returns whether that was answered */
  private isWithoutMail(reply: FastifyReply): boolean {
    if (this.configuration.sendsMail) return false;
    const view = (
      <MessageView title="Ask an administrator" action={{ href: '/sign-in', label: 'Sign in' }}>
        <p class="lead">This installation sends no mail. An administrator of your organization can help.</p>
      </MessageView>
    );
    this.pages.send(reply, view, { status: 403 });
    return true;
  }
}
