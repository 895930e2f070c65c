import { Body, Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentSession, PublicError, RequireSession } from '#platform';
import { actorOf, Csrf, deviceName, OwnSessionsRepository, type Session } from '#sessions';
import { CsrfForm } from '../pages/forms.js';
import { Pages } from '../pages/pages.js';
import { SessionsView, type SessionsDone } from './sessions.view.js';

class SessionsQuery {
  @IsOptional()
  @IsIn(['ended', 'others-ended'])
  done?: SessionsDone;
}

class SessionParameters {
  @IsUUID(undefined, { message: 'There is no such session.' })
  id!: string;
}

/** Where a person is signed in. */
@Controller('account/sessions')
export class SessionsController {
  constructor(
    private readonly sessions: OwnSessionsRepository,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireSession()
  async show(
    @Query() { done }: SessionsQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const sessions = await this.sessions.of(session.userId);
    const view = (
      <SessionsView
        account={{ ...session, csrfToken: this.csrf.token(request, reply) }}
        sessions={sessions.map(({ origin, ...shown }) => ({
          ...shown,
          device: deviceName(origin?.userAgent ?? ''),
          address: origin?.address,
          current: shown.id === session.id,
        }))}
        done={done}
      />
    );
    this.pages.send(reply, view);
  }

  @Post('end-others')
  @RequireSession()
  async endOthers(
    @Body() form: CsrfForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    await this.sessions.endOthers(session.userId, session.id, actorOf(session, request.ip));
    reply.redirect('/account/sessions?done=others-ended', 303);
  }

  @Post(':id/end')
  @RequireSession()
  async end(
    @Param() { id }: SessionParameters,
    @Body() form: CsrfForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    if (!(await this.sessions.end(session.userId, id, actorOf(session, request.ip)))) {
      throw new PublicError(404, 'unknown_session', 'There is no such session, or it has ended already.');
    }
    reply.redirect('/account/sessions?done=ended', 303);
  }
}
