import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { carriedParameters, EndSession } from '#oauth';
import { Public, type FormFields } from '#platform';
import { Csrf, SessionCookie, SessionRepository } from '#sessions';
import { Pages } from './pages.js';
import { SignOutView } from './sign-out.view.js';
import { SignedOutView } from './signed-out.view.js';

@Controller()
export class SignOutController {
  constructor(
    private readonly endSession: EndSession,
    private readonly sessions: SessionRepository,
    private readonly cookie: SessionCookie,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  /** Asks, since the request that led here did not prove whose session it means. */
  @Get('sign-out')
  @Public()
  async ask(
    @Query() fields: FormFields,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = await this.sessions.find(this.cookie.read(request));
    const destination = await this.endSession.destinationOf(fields);
    if (!session) {
      // RFC 9700 §4.11.2: where such an application leads, nobody is sent before they have said so
      if (destination?.selfMade) this.pages.send(reply, <SignedOutView leadsTo={destination} />);
      else reply.redirect(destination?.url ?? '/signed-out', 303);
      return;
    }
    const view = (
      <SignOutView
        csrfToken={this.csrf.token(request, reply)}
        person={session}
        application={destination?.clientName}
        parameters={carriedParameters(fields)}
      />
    );
    this.pages.send(reply, view, { formLeadsTo: destination ? [destination.url] : [] });
  }

  @Post('sign-out')
  @Public()
  async signOut(
    @Body() fields: FormFields | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, fields?.['csrf_token']);
    const destination = await this.endSession.destinationOf(fields ?? {});
    const session = await this.sessions.find(this.cookie.read(request));
    if (session) await this.sessions.end(session.id, session.userId);
    this.cookie.clear(reply);
    reply.header('cache-control', 'no-store').redirect(destination?.url ?? '/signed-out', 303);
  }

  @Get('signed-out')
  @Public()
  signedOut(@Res() reply: FastifyReply): void {
    this.pages.send(reply, <SignedOutView />);
  }
}
