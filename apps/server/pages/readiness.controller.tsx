import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequireScopeInProduction } from '#platform';
import { ReadinessReporter } from '#readiness';
import { Pages } from './pages.js';
import { readinessFilter } from './readiness-filter.js';
import { ReadinessView } from './readiness.view.js';

@Controller('readiness')
export class ReadinessPageController {
  constructor(
    private readonly reporter: ReadinessReporter,
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
      this.pages.send(reply, <ReadinessView report={report} filter={readinessFilter(query)} />);
    } else {
      void reply.header('cache-control', 'no-store').send(report);
    }
  }
}
