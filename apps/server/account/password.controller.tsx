import { Body, Controller, Get, Post, Req, Res } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock, CurrentSession, RequireAnySession, RequireRecentSession } from '#platform';
import { Csrf, PasswordChange, SessionCookie, type Session } from '#sessions';
import { FORM_EXPIRED, paused, refused, type FormFailure } from '../pages/form-failure.js';
import { CsrfForm } from '../pages/forms.js';
import type { Account } from '../pages/layout.js';
import { MessageView } from '../pages/message.view.js';
import { Pages } from '../pages/pages.js';
import { ChangePasswordView } from './password.view.js';

class ChangePasswordForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'current_password must be sent once.' })
  current_password?: string;

  @IsOptional()
  @IsString({ message: 'password must be sent once.' })
  password?: string;
}

const WRONG = 'This is not your password.';

@Controller('account/password')
export class PasswordController {
  constructor(
    private readonly change: PasswordChange,
    private readonly cookie: SessionCookie,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
    private readonly clock: Clock,
  ) {}

  @Get()
  @RequireRecentSession('/account/password')
  async show(
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.form(session, request, reply, {});
  }

  @Post()
  @RequireRecentSession('/account/password')
  async submit(
    @Body() form: ChangePasswordForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { current_password: current = '', password = '' } = form;
    const again = (failure: FormFailure) => this.form(session, request, reply, { password, failure });
    if (!this.csrf.holds(request, form.csrf_token)) return again(FORM_EXPIRED);
    if (current === '' && (await this.change.asksCurrent(session))) {
      return again(notChanged({ current_password: 'Enter your password.' }));
    }

    const result = await this.change.change(session, { current, password }, request.ip);
    switch (result.kind) {
      case 'refused':
        return again(notChanged({ password: result.password }));
      case 'wrong':
        return again(notChanged({ current_password: WRONG }));
      case 'locked': {
        const failure = paused(result.until, this.clock.now());
        reply.header('retry-after', String(failure.retryAfter));
        return again(failure);
      }
      case 'ended':
        return again({ ...FORM_EXPIRED, title: 'Your password was changed elsewhere' });
      case 'changed':
        this.cookie.set(reply, result.secret);
        reply.header('cache-control', 'no-store').redirect('/account/password/changed', 303);
    }
  }

  @Get('changed')
  @RequireAnySession()
  changed(
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): void {
    const view = (
      <MessageView
        title="Your password is changed"
        good
        account={this.account(session, request, reply)}
        action={{ href: '/', label: 'Go to the launcher' }}
      >
        <p class="lead">You are signed in here. Every other session of your account has ended.</p>
      </MessageView>
    );
    this.pages.send(reply, view);
  }

  private async form(
    session: Session,
    request: FastifyRequest,
    reply: FastifyReply,
    typed: { password?: string; failure?: FormFailure },
  ): Promise<void> {
    const view = (
      <ChangePasswordView
        {...typed}
        asksCurrent={await this.change.asksCurrent(session)}
        use={await this.change.use(session)}
        account={this.account(session, request, reply)}
      />
    );
    this.pages.send(reply, view, { status: typed.failure?.status ?? 200, scripted: true });
  }

  private account({ name, email }: Session, request: FastifyRequest, reply: FastifyReply): Account {
    return { name, email, csrfToken: this.csrf.token(request, reply) };
  }
}

function notChanged(fields: Readonly<Record<string, string>>): FormFailure {
  return refused('Your password is still the old one.', fields);
}
