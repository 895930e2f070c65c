import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import { Clock, Configuration, RequireAnySession, RequireRecentSession } from '#platform';
import { AddressChange, Csrf } from '#sessions';
import { limitMet, ToldOfLimits } from '../rate-limit.guard.js';
import { FORM_EXPIRED, refused, type FormFailure } from '../pages/form-failure.js';
import { EmailForm, TokenForm, TokenQuery } from '../pages/forms.js';
import { DeadLinkView, MailSentView, MessageView } from '../pages/message.view.js';
import { Pages } from '../pages/pages.js';
import { accountOf, CurrentVisit, type Visit } from '../pages/visit.js';
import { ChangeAddressView, ConfirmAddressView } from './address.view.js';
import { notConfirmed } from './current-password.js';
import { newAddressProblem } from './new-address.js';

class ChangeAddressForm extends EmailForm {
  @IsOptional()
  @IsString({ message: 'current_password must be sent once.' })
  current_password?: string;
}

const NOT_CHANGED = 'Your address is still the old one.';

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
  async show(@CurrentVisit() visit: Visit): Promise<void> {
    if (!this.isWithoutMail(visit)) await this.form(visit, '');
  }

  @Post()
  @RequireRecentSession('/account/address')
  @ToldOfLimits()
  async begin(@CurrentVisit() visit: Visit, @Body() form: ChangeAddressForm): Promise<void> {
    if (this.isWithoutMail(visit)) return;
    const { session, request, reply } = visit;
    const { email = '', current_password: password = '' } = form;
    const again = (failure: FormFailure) => this.form(visit, email, failure);
    const limit = limitMet(request);
    if (limit) return again(limit);
    if (!this.csrf.holds(request, form.csrf_token)) return again(FORM_EXPIRED);
    const fields = {
      email: newAddressProblem(email, session.email),
      current_password:
        password === '' && (await this.change.asksPassword(session)) ? 'Enter your password.' : undefined,
    };
    if (fields.email !== undefined || fields.current_password !== undefined) {
      return again(refused(NOT_CHANGED, fields));
    }
    const result = await this.change.begin(session, { email, password }, request.ip);
    if (result.kind !== 'mailed') return again(notConfirmed(result, this.clock.now(), NOT_CHANGED));
    reply.header('cache-control', 'no-store').redirect('/account/address/sent', 303);
  }

  @Get('sent')
  @RequireAnySession()
  sent(@CurrentVisit() visit: Visit): void {
    if (this.isWithoutMail(visit)) return;
    const view = (
      <MailSentView account={accountOf(visit, this.csrf)}>
        A mail is on its way to the new address. Follow its link within an hour, while you are signed in here.
      </MailSentView>
    );
    this.pages.send(visit.reply, view);
  }

  @Get('confirm')
  @RequireAnySession()
  async confirm(@CurrentVisit() visit: Visit, @Query() { token = '' }: TokenQuery): Promise<void> {
    await this.question(visit, token);
  }

  @Post('confirm')
  @RequireAnySession()
  async complete(@CurrentVisit() visit: Visit, @Body() form: TokenForm): Promise<void> {
    const { session, request, reply } = visit;
    const { token = '' } = form;
    if (!this.csrf.holds(request, form.csrf_token)) return this.question(visit, token, FORM_EXPIRED);
    const outcome = await this.change.complete(session, token, request.ip);
    if (outcome === 'invalid') return this.deadLink(visit);
    if (outcome === 'taken') return this.taken(visit);
    reply.header('cache-control', 'no-store').redirect('/account/address/changed', 303);
  }

  @Get('changed')
  @RequireAnySession()
  changed(@CurrentVisit() visit: Visit): void {
    const view = (
      <MessageView
        title="Your address is changed"
        good
        account={accountOf(visit, this.csrf)}
        action={{ href: '/', label: 'Go to the launcher' }}
      >
        <p class="lead">
          You sign in as <strong>{visit.session.email}</strong> from now on.
        </p>
      </MessageView>
    );
    this.pages.send(visit.reply, view);
  }

  /** @returns whether that was answered */
  private isWithoutMail(visit: Visit): boolean {
    if (this.configuration.sendsMail) return false;
    const view = (
      <MessageView
        title="Your address cannot change here"
        account={accountOf(visit, this.csrf)}
        action={{ href: '/account', label: 'Go to your account' }}
      >
        <p class="lead">
          A new address is proved by a mail, and this installation sends none. Whoever runs it has to set
          CORE_AUTH_SMTP_URL and CORE_AUTH_MAIL_FROM first.
        </p>
      </MessageView>
    );
    this.pages.send(visit.reply, view, { status: 403 });
    return true;
  }

  private async form(visit: Visit, email: string, failure?: FormFailure): Promise<void> {
    const view = (
      <ChangeAddressView
        account={accountOf(visit, this.csrf)}
        asksPassword={await this.change.asksPassword(visit.session)}
        email={email}
        failure={failure}
      />
    );
    this.pages.send(visit.reply, view, { failure, scripted: true });
  }

  private async question(visit: Visit, token: string, failure?: FormFailure): Promise<void> {
    const email = await this.change.pending(visit.session, token);
    if (email === undefined) return this.deadLink(visit);
    const account = accountOf(visit, this.csrf);
    const view = <ConfirmAddressView account={account} token={token} email={email} failure={failure} />;
    this.pages.send(visit.reply, view, { failure });
  }

  private deadLink(visit: Visit): void {
    const view = <DeadLinkView again="/account/address" account={accountOf(visit, this.csrf)} />;
    this.pages.send(visit.reply, view, { status: 400 });
  }

  private taken(visit: Visit): void {
    const view = (
      <MessageView
        title="Another account has this address"
        account={accountOf(visit, this.csrf)}
        action={{ href: '/account/address', label: 'Choose another' }}
      >
        <p class="lead">It was given to another account meanwhile. Yours is as it was.</p>
      </MessageView>
    );
    this.pages.send(visit.reply, view, { status: 409 });
  }
}
