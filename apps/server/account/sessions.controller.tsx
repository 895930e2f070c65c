import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { PublicError, RequireRecentSession, RequireSession } from '#platform';
import { actorOf, Csrf, deviceName, OwnSessionsRepository } from '#sessions';
import { CsrfForm } from '../pages/forms.js';
import { Pages } from '../pages/pages.js';
import { accountOf, CurrentVisit, type Visit } from '../pages/visit.js';
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
  async show(@Query() { done }: SessionsQuery, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, reply } = visit;
    const sessions = await this.sessions.of(session.userId);
    const view = (
      <SessionsView
        account={accountOf(visit, this.csrf)}
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
  @RequireRecentSession('/account/sessions')
  async endOthers(@Body() form: CsrfForm, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, request, reply } = visit;
    this.csrf.check(request, form.csrf_token);
    await this.sessions.endOthers(session.userId, session.id, actorOf(session, request.ip));
    reply.redirect('/account/sessions?done=others-ended', 303);
  }

  @Post(':id/end')
  @RequireRecentSession('/account/sessions')
  async end(
    @Param() { id }: SessionParameters,
    @Body() form: CsrfForm,
    @CurrentVisit() visit: Visit,
  ): Promise<void> {
    const { session, request, reply } = visit;
    this.csrf.check(request, form.csrf_token);
    if (!(await this.sessions.end(session.userId, id, actorOf(session, request.ip)))) {
      throw new PublicError(404, 'unknown_session', 'There is no such session, or it has ended already.');
    }
    reply.redirect('/account/sessions?done=ended', 303);
  }
}
