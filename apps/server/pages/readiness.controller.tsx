import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequireScopeInProduction } from '#platform';
import { ReadinessReporter } from '#readiness';
import { Csrf, SessionCookie, SessionRepository } from '#sessions';
import type { Account } from './layout.js';
import { Pages } from './pages.js';
import { readinessFilter } from './readiness-filter.js';
import { ReadinessView } from './readiness.view.js';
import { accountOf } from './visit.js';

@Controller('readiness')
export class ReadinessPageController {
  constructor(
    private readonly reporter: ReadinessReporter,
    private readonly sessions: SessionRepository,
    private readonly cookie: SessionCookie,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  /** The report: a page for a browser, JSON for everything else. */
  @Get()
  @RequireScopeInProduction('readiness:read')
  async show(
    @Query() query: Readonly<Record<string, unknown>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const report = await this.reporter.report();
    if ((request.headers.accept ?? '').includes('text/html')) {
      const account = await this.account(request, reply);
      const view = <ReadinessView report={report} filter={readinessFilter(query)} account={account} />;
      this.pages.send(reply, view);
    } else {
      void reply.header('cache-control', 'no-store').send(report);
    }
  }

  /** Nobody while the database is away: the report is read then most of all. */
  private async account(request: FastifyRequest, reply: FastifyReply): Promise<Account | undefined> {
    const session = await this.sessions.find(this.cookie.read(request)).catch(() => undefined);
    return session && accountOf({ session, request, reply }, this.csrf);
  }
}
