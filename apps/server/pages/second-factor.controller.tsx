import { Body, Controller, Get, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock, Public, PublicError } from '#platform';
import {
  Csrf,
  FactorRepository,
  Passkeys,
  PendingSignInCookie,
  PendingSignInRepository,
  SignIn,
  type PendingSignIn,
  type PresentedFactor,
} from '#sessions';
import { BrowserCookies } from './browser-cookies.js';
import { CsrfForm } from './forms.js';
import { queryHref } from './links.js';
import { Pages } from './pages.js';
import { ReturnAddress } from './return-address.js';
import { SecondFactorView, type Method, type SecondFactorFailure } from './second-factor.view.js';

class SecondFactorQuery {
  @IsOptional()
  @IsString()
  return_to?: string;
}

class SecondFactorForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'return_to must be sent once.' })
  return_to?: string;

  @IsIn(['totp', 'passkey', 'recovery-code'], {
    message: 'method must be totp, passkey or recovery-code.',
  })
  method!: Method;

  @IsOptional()
  @IsString({ message: 'code must be sent once.' })
  code?: string;

  @IsOptional()
  @IsString({ message: 'credential must be sent once.' })
  credential?: string;

  @IsOptional()
  @IsIn(['on'], { message: 'remember must be on, or not be sent.' })
  remember?: string;
}

const STATUS: Readonly<Record<SecondFactorFailure['kind'], number>> = {
  wrong: 401,
  locked: 429,
  closed: 429,
  'form-expired': 403,
};

/** The second step of a sign-in whose password was right. */
@Controller('sign-in/second-factor')
export class SecondFactorController {
  constructor(
    private readonly signIn: SignIn,
    private readonly factors: FactorRepository,
    private readonly passkeys: Passkeys,
    private readonly pendingSignIns: PendingSignInRepository,
    private readonly pendingCookie: PendingSignInCookie,
    private readonly cookies: BrowserCookies,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly pages: Pages,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Public()
  async show(
    @Query() query: SecondFactorQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const returnTo = await this.returnAddress.safe(query.return_to);
    const pending = await this.pendingSignIns.find(this.pendingCookie.read(request));
    if (!pending) return this.startAgain(reply, returnTo);
    await this.page(pending, returnTo, undefined, request, reply);
  }

  /** For the script of the page: the passkeys of the person whose password was right. */
  @Post('options')
  @HttpCode(200)
  @Public()
  async options(
    @Body() form: CsrfForm,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    this.csrf.check(request, form.csrf_token);
    const pending = await this.pendingSignIns.find(this.pendingCookie.read(request));
    const browser = this.csrf.browserOf(request);
    if (!pending || !browser) {
      throw new PublicError(401, 'login_required', 'The second step took too long. Sign in again.');
    }
    reply.header('cache-control', 'no-store');
    return this.passkeys.secondFactorOptions(pending.userId, browser);
  }

  @Post()
  @Public()
  async submit(
    @Body() form: SecondFactorForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const returnTo = await this.returnAddress.safe(form.return_to);
    const pending = await this.pendingSignIns.find(this.pendingCookie.read(request));
    if (!pending) return this.startAgain(reply, returnTo);
    const again = (failure: SecondFactorFailure) => this.page(pending, returnTo, failure, request, reply);
    if (!this.csrf.holds(request, form.csrf_token)) return again({ kind: 'form-expired' });
    const browser = this.csrf.browserOf(request);
    const presented = presentedBy(form, browser);
    if (!presented) return again({ kind: 'wrong', method: form.method });

    const result = await this.signIn.withSecondFactor(pending, presented, {
      ...this.cookies.read(request),
      // a recovery code stands in for a factor this once
      remember: form.remember === 'on' && form.method !== 'recovery-code',
    });
    if (result.kind === 'ended') return this.startAgain(reply, returnTo);
    if (result.kind === 'wrong') return again({ kind: 'wrong', method: form.method });
    if (result.kind === 'closed') return again({ kind: 'closed' });
    if (result.kind === 'locked') {
      const wait = Math.max(1, Math.ceil((result.until.getTime() - this.clock.now().getTime()) / 1000));
      reply.header('retry-after', String(wait));
      return again({ kind: 'locked', retryAfterSeconds: wait });
    }
    this.pendingCookie.clear(reply);
    this.cookies.set(request, reply, result);
    reply.header('cache-control', 'no-store').redirect(returnTo, 303);
  }

  private startAgain(reply: FastifyReply, returnTo: string): void {
    this.pendingCookie.clear(reply);
    const address = queryHref('/sign-in', { return_to: returnTo, again: 'second-step' });
    reply.header('cache-control', 'no-store').redirect(address, 303);
  }

  private async page(
    pending: PendingSignIn,
    returnTo: string,
    failure: SecondFactorFailure | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const { totp, passkeys, recoveryCodesLeft } = await this.factors.of(pending.userId);
    const methods: Method[] = [
      ...(totp ? (['totp'] as const) : []),
      ...(passkeys.length > 0 ? (['passkey'] as const) : []),
      ...(recoveryCodesLeft > 0 ? (['recovery-code'] as const) : []),
    ];
    const view = (
      <SecondFactorView
        csrfToken={this.csrf.token(request, reply)}
        returnTo={returnTo}
        email={pending.email}
        methods={methods}
        failure={failure}
      />
    );
    this.pages.send(reply, view, {
      status: failure ? STATUS[failure.kind] : 200,
      formLeadsTo: await this.returnAddress.formTargets(returnTo),
      scripted: true,
    });
  }
}

/** Undefined when what belongs to the method is missing. */
function presentedBy(
  { method, code, credential }: SecondFactorForm,
  browser: Buffer | undefined,
): PresentedFactor | undefined {
  if (method !== 'passkey') return code ? { method, code } : undefined;
  return credential && browser ? { method, response: credential, browser } : undefined;
}
