import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Authorize } from '#oauth';
import { Public, type FormFields } from '#platform';
import { SessionCookie } from '#sessions';
import { AuthorizationAnswers } from './authorization-answers.js';

@Controller('oauth2/authorize')
export class AuthorizeController {
  constructor(
    private readonly authorize: Authorize,
    private readonly answers: AuthorizationAnswers,
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

  /** OpenID Connect Core §3.1.2.1: the endpoint supports GET and POST. */
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
    const outcome = await this.authorize.respond(fields, this.cookie.read(request));
    if (outcome.kind === 'answer') return this.answers.send(reply, outcome.answer);
    const query = new URLSearchParams({ return_to: outcome.resume });
    // RFC 9700 §4.12: 303, so that a form with a password is never sent on
    reply.header('cache-control', 'no-store').redirect(`/${outcome.kind}?${query}`, 303);
  }
}
