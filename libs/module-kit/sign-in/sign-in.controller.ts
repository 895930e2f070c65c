import { Controller, Get, Inject, Req, Res, UseGuards } from '@nestjs/common';
import { Public } from '../guards/decorators.js';
import type { KitReply } from '../http/http-types.js';
import { SessionCookie } from '../session/session-cookie.js';
import { SignInGuard } from './sign-in.guard.js';
import { SignInError, type SignInRequest } from './sign-in-request.js';

/** Browser sign-in: out to Core Auth, and back with a code. */
@Controller('auth')
export class SignInController {
  constructor(@Inject(SessionCookie) private readonly cookie: SessionCookie) {}

  /** Starts a sign-in; `return_to` is a path of this module. The guard answers with the redirect. */
  @Get('sign-in')
  @Public()
  @UseGuards(SignInGuard)
  start(): never {
    throw new SignInError('unexpected_response', true);
  }

  /** The redirect URI: the guard has exchanged the code and verified the ID token. */
  @Get('callback')
  @Public()
  @UseGuards(SignInGuard)
  async finish(@Req() request: SignInRequest, @Res() reply: KitReply): Promise<void> {
    const session = request.user;
    if (!session) throw new SignInError('unexpected_response', true);
    reply.header('set-cookie', await this.cookie.write(session));
    reply.redirect(request.signIn?.returnTo ?? '/', 303);
  }
}
