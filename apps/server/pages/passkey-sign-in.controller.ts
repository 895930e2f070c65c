import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public, PublicError } from '#platform';
import { Csrf, Passkeys, SignIn } from '#sessions';
import { BrowserCookies } from './browser-cookies.js';
import { CsrfForm } from './forms.js';
import { queryHref } from './links.js';
import { ReturnAddress } from './return-address.js';

class PasskeyForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'return_to must be sent once.' })
  return_to?: string;

  @IsOptional()
  @IsString({ message: 'credential must be sent once.' })
  credential?: string;
}

/** Sign-in by a passkey alone; the page for it is that of the password. */
@Controller('sign-in/passkey')
export class PasskeySignInController {
  constructor(
    private readonly signIn: SignIn,
    private readonly passkeys: Passkeys,
    private readonly cookies: BrowserCookies,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
  ) {}

  @Post('options')
  @HttpCode(200)
  @Public()
  async options(
    @Body() form: CsrfForm,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    reply.header('cache-control', 'no-store');
    return this.passkeys.signInOptions(this.checked(request, form));
  }

  @Post()
  @Public()
  async submit(
    @Body() form: PasskeyForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const browser = this.checked(request, form);
    const returnTo = await this.returnAddress.safe(form.return_to);
    const result = await this.signIn.withPasskey(
      { response: form.credential ?? '', browser },
      this.cookies.read(request),
    );
    reply.header('cache-control', 'no-store');
    if (!result) {
      reply.redirect(queryHref('/sign-in', { return_to: returnTo, again: 'passkey' }), 303);
      return;
    }
    this.cookies.set(request, reply, result);
    reply.redirect(returnTo, 303);
  }

  /** @returns what tells the browser from others */
  private checked(request: FastifyRequest, form: CsrfForm): Buffer {
    this.csrf.check(request, form.csrf_token);
    const browser = this.csrf.browserOf(request);
    if (!browser) throw new PublicError(403, 'form_expired', 'Reload the page and try again.');
    return browser;
  }
}
