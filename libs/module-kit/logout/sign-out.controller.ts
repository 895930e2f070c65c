import { Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import { Public } from '../guards/decorators.js';
import { ProblemException } from '../http/problem.exception.js';
import type { KitReply, KitRequest } from '../http/http-types.js';
import { SeatLeases } from '../leases/seat-leases.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import { PageRenderer } from '../pages/page-renderer.js';
import { mayChange } from '../session/same-origin.js';
import { SessionCookie } from '../session/session-cookie.js';

/** RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 section 2). */
@Controller('auth')
export class SignOutController {
  constructor(
    @Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(SessionCookie) private readonly cookie: SessionCookie,
    @Inject(SeatLeases) private readonly leases: SeatLeases,
    @Inject(PageRenderer) private readonly pages: PageRenderer,
  ) {}

  /** Ends the module's session, then sends the browser to Core Auth, which ends all the others. */
  @Post('sign-out')
  @Public()
  async signOut(@Req() request: KitRequest, @Res() reply: KitReply): Promise<void> {
    if (!mayChange(request.method, request.headers, this.options.moduleUrl)) {
      throw new ProblemException(
        403,
        'CROSS_ORIGIN',
        'Not from here',
        'This request came from another site.',
      );
    }
    const session = await this.cookie.read(request.headers.cookie);
    if (session?.sessionId !== undefined) await this.leases.endSession(session.sessionId);
    const parameters = new URLSearchParams({
      client_id: this.options.clientId,
      post_logout_redirect_uri: `${this.options.moduleUrl}/auth/signed-out`,
    });
    if (session?.idToken !== undefined) parameters.set('id_token_hint', session.idToken);
    reply.header('set-cookie', this.cookie.clear());
    reply.header('cache-control', 'no-store');
    reply.redirect(`${this.options.coreAuthUrl}/oauth2/logout?${parameters}`, 303);
  }

  @Get('signed-out')
  @Public()
  signedOut(@Res() reply: KitReply): void {
    this.pages.send(reply, 200, 'signedOut', {
      moduleName: this.options.moduleName,
      signInUrl: '/auth/sign-in',
    });
  }
}
