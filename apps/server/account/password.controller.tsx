import { Body, Controller, Get, Post } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import { Clock, RequireAnySession, RequireRecentSession } from '#platform';
import { Csrf, PasswordChange, SessionCookie } from '#sessions';
import { FORM_EXPIRED, refused, type FormFailure } from '../pages/form-failure.js';
import { CsrfForm } from '../pages/forms.js';
import { MessageView } from '../pages/message.view.js';
import { Pages } from '../pages/pages.js';
import { accountOf, CurrentVisit, type Visit } from '../pages/visit.js';
import { notConfirmed } from './current-password.js';
import { ChangePasswordView } from './password.view.js';

class ChangePasswordForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'current_password must be sent once.' })
  current_password?: string;

  @IsOptional()
  @IsString({ message: 'password must be sent once.' })
  password?: string;
}

const NOT_CHANGED = 'Your password is still the old one.';

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
  async show(@CurrentVisit() visit: Visit): Promise<void> {
    await this.form(visit, {});
  }

  @Post()
  @RequireRecentSession('/account/password')
  async submit(@CurrentVisit() visit: Visit, @Body() form: ChangePasswordForm): Promise<void> {
    const { session, request, reply } = visit;
    const { current_password: current = '', password = '' } = form;
    const again = (failure: FormFailure) => this.form(visit, { password, failure });
    if (!this.csrf.holds(request, form.csrf_token)) return again(FORM_EXPIRED);
    if (current === '' && (await this.change.asksCurrent(session))) {
      return again(refused(NOT_CHANGED, { current_password: 'Enter your password.' }));
    }

    const result = await this.change.change(session, { current, password }, request.ip);
    switch (result.kind) {
      case 'refused':
        return again(refused(NOT_CHANGED, { password: result.password }));
      case 'wrong':
      case 'locked':
        return again(notConfirmed(result, this.clock.now(), NOT_CHANGED));
      case 'ended':
        return again({ ...FORM_EXPIRED, title: 'Your password was changed elsewhere' });
      case 'changed':
        this.cookie.set(reply, result.secret);
        reply.header('cache-control', 'no-store').redirect('/account/password/changed', 303);
    }
  }

  @Get('changed')
  @RequireAnySession()
  changed(@CurrentVisit() visit: Visit): void {
    const view = (
      <MessageView
        title="Your password is changed"
        good
        account={accountOf(visit, this.csrf)}
        action={{ href: '/', label: 'Go to the launcher' }}
      >
        <p class="lead">You are signed in here. Every other session of your account has ended.</p>
      </MessageView>
    );
    this.pages.send(visit.reply, view);
  }

  private async form(visit: Visit, typed: { password?: string; failure?: FormFailure }): Promise<void> {
    const { session, reply } = visit;
    const view = (
      <ChangePasswordView
        {...typed}
        asksCurrent={await this.change.asksCurrent(session)}
        use={await this.change.use(session)}
        account={accountOf(visit, this.csrf)}
      />
    );
    this.pages.send(reply, view, { failure: typed.failure, scripted: true });
  }
}
