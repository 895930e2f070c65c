import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock, Configuration, Public, PublicError } from '#platform';
import { Csrf, PendingSignInCookie, SignIn } from '#sessions';
import { BrowserCookies } from './browser-cookies.js';
import { queryHref } from './links.js';
import { Pages } from './pages.js';
import { ReturnAddress } from './return-address.js';
import { SignInView, type SignInFailure } from './sign-in.view.js';

class SignInQuery {
  @IsOptional()
  @IsString()
  return_to?: string;

  @IsOptional()
  @IsString({ message: 'login_hint must be sent once.' })
  @MaxLength(320, { message: 'The login_hint is too long.' })
  login_hint?: string;

  /** Which step has led back here. */
  @IsOptional()
  @IsIn(['passkey', 'second-step', 'step-up'])
  again?: 'passkey' | 'second-step' | 'step-up';
}

class SignInForm {
  @IsOptional()
  @IsString({ message: 'return_to must be sent once.' })
  return_to?: string;

  @IsOptional()
  @IsString({ message: 'csrf_token must be sent once.' })
  csrf_token?: string;

  @IsOptional()
  @IsString({ message: 'email must be sent once.' })
  @MaxLength(320, { message: 'The e-mail address is too long.' })
  email?: string;

  @IsOptional()
  @IsString({ message: 'password must be sent once.' })
  @MaxLength(1024, { message: 'The password is too long.' })
  password?: string;
}

const STATUS: Readonly<Record<SignInFailure['kind'], number>> = {
  'invalid-credentials': 401,
  incomplete: 400,
  'too-many-attempts': 429,
  'form-expired': 403,
  'passkey-refused': 401,
  'second-step-ended': 401,
};

const LED_BACK = {
  passkey: { kind: 'passkey-refused' },
  'second-step': { kind: 'second-step-ended' },
} as const;

const STEP_UP =
  'You signed in a while ago. For your protection, sign in again to go on; what you had typed is not kept.';

@Controller('sign-in')
export class SignInController {
  constructor(
    private readonly signIn: SignIn,
    private readonly cookies: BrowserCookies,
    private readonly pendingCookie: PendingSignInCookie,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly pages: Pages,
    private readonly configuration: Configuration,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Public()
  async show(
    @Query() query: SignInQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const returnTo = await this.returnAddress.safe(query.return_to);
    const { again, login_hint: email } = query;
    const why = again === 'step-up' ? { message: STEP_UP } : again ? { failure: LED_BACK[again] } : {};
    await this.page(request, reply, { returnTo, email, ...why });
  }

  @Post()
  @Public()
  async submit(
    @Body() form: SignInForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const returnTo = await this.returnAddress.safe(form.return_to);
    const { email, password } = form;
    const again = (failure: SignInFailure) => this.page(request, reply, { returnTo, email, failure });
    try {
      this.csrf.check(request, form.csrf_token);
    } catch (error) {
      if (error instanceof PublicError) return again({ kind: 'form-expired' });
      throw error;
    }
    if (!email || !password) return again({ kind: 'incomplete' });

    const result = await this.signIn.withPassword({ email, password, ...this.cookies.read(request) });
    if (result.kind === 'refused') return again({ kind: 'invalid-credentials' });
    if (result.kind === 'locked') {
      const wait = Math.max(1, Math.ceil((result.until.getTime() - this.clock.now().getTime()) / 1000));
      reply.header('retry-after', String(wait));
      return again({ kind: 'too-many-attempts', retryAfterSeconds: wait, byMail: result.byMail });
    }
    reply.header('cache-control', 'no-store');
    if (result.kind === 'second-factor') {
      this.pendingCookie.set(reply, result.secret);
      reply.redirect(queryHref('/sign-in/second-factor', { return_to: returnTo }), 303);
      return;
    }
    this.cookies.set(request, reply, result);
    reply.redirect(returnTo, 303);
  }

  private async page(
    request: FastifyRequest,
    reply: FastifyReply,
    props: { returnTo: string; email?: string | undefined; message?: string; failure?: SignInFailure },
  ): Promise<void> {
    const authorization = await this.returnAddress.authorizationRequest(props.returnTo);
    const view = (
      <SignInView
        {...props}
        email={props.email ?? authorization?.loginHint}
        csrfToken={this.csrf.token(request, reply)}
        message={props.message ?? (authorization && `Sign in to continue to ${authorization.client.name}.`)}
        demonstrationAccounts={this.configuration.demonstrationAccounts}
        registrationIsOpen={this.configuration.selfRegistration === 'on'}
      />
    );
    this.pages.send(reply, view, {
      status: props.failure ? STATUS[props.failure.kind] : 200,
      formLeadsTo: await this.returnAddress.formTargets(props.returnTo),
      scripted: true,
    });
  }
}
