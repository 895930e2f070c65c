import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public, type FormFields } from '#platform';
import { SessionCookie } from '#sessions';
import { carriedParameters, EndSession } from './end-session.js';

@Controller('oauth2/logout')
export class LogoutController {
  constructor(
    private readonly endSession: EndSession,
    private readonly cookie: SessionCookie,
  ) {}

  @Get()
  @Public()
  get(
    @Query() fields: FormFields,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.respond(fields, request, reply);
  }

  /** RP-Initiated Logout §2: the endpoint supports GET and POST. */
  @Post()
  @Public()
  post(
    @Body() fields: FormFields | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.respond(fields ?? {}, request, reply);
  }

  private async respond(fields: FormFields, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const outcome = await this.endSession.respond(fields, this.cookie.read(request));
    reply.header('cache-control', 'no-store');
    if (outcome.kind === 'ask') {
      reply.redirect(`/sign-out?${new URLSearchParams(carriedParameters(fields))}`, 303);
      return;
    }
    this.cookie.clear(reply);
    reply.redirect(outcome.destination?.url ?? '/signed-out', 303);
  }
}
