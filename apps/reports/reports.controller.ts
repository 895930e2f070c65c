import { Controller, Get, Header, Inject, Req, Res } from '@nestjs/common';
import {
  CurrentPrincipal,
  CurrentUse,
  LauncherLinks,
  LicenseChecker,
  Metered,
  MODULE_KIT_OPTIONS,
  ProblemException,
  RequireFeature,
  RequireLicense,
  RequireSignIn,
  SessionGate,
  type KitReply,
  type KitRequest,
  type Principal,
  type ResolvedOptions,
  type Use,
} from '@core-auth/module-kit';
import { toCsv } from './csv.js';
import { reportsPage } from './pages/reports-page.js';
import { PROJECT_STATUSES, ProjectsClient, STATUS_LABELS, type ProjectsAnswer } from './projects-client.js';

/** A chart of the organization's projects, made with the person's own token. */
@Controller()
@RequireSignIn()
@RequireLicense('reports')
export class ReportsController {
  constructor(
    @Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(ProjectsClient) private readonly projects: ProjectsClient,
    @Inject(SessionGate) private readonly sessions: SessionGate,
    @Inject(LicenseChecker) private readonly licenses: LicenseChecker,
    @Inject(LauncherLinks) private readonly launcher: LauncherLinks,
  ) {}

  /** A page of charts is what the plan counts; nothing is drawn once the month's are used up. */
  @Get()
  @Metered('rendered-reports')
  @Header('content-type', 'text/html; charset=utf-8')
  async page(
    @CurrentPrincipal() principal: Principal,
    @CurrentUse() use: Use,
    @Req() request: KitRequest,
    @Res({ passthrough: true }) reply: KitReply,
  ): Promise<string> {
    const [answer, exportable, links] = await Promise.all([
      this.summary(principal, request, reply),
      this.licenses.decide(principal, { feature: 'export' }),
      this.launcher.of(principal),
    ]);
    return reportsPage({
      header: { principal, links, options: this.options },
      answer,
      exportable: exportable.allow,
      use,
    });
  }

  @Get('reports.csv')
  @RequireFeature('export')
  @Header('content-type', 'text/csv; charset=utf-8')
  @Header('content-disposition', 'attachment; filename="projects-by-status.csv"')
  async export(
    @CurrentPrincipal() principal: Principal,
    @Req() request: KitRequest,
    @Res({ passthrough: true }) reply: KitReply,
  ): Promise<string> {
    const answer = await this.summary(principal, request, reply);
    if (answer.state === 'denied')
      throw new ProblemException(403, answer.code, 'No projects to report', answer.detail);
    if (answer.state !== 'ok') {
      throw new ProblemException(
        503,
        'PROJECTS_UNAVAILABLE',
        'Temporarily unavailable',
        'Projects does not answer.',
      );
    }
    const { counts } = answer;
    const rows = PROJECT_STATUSES.map((status) => [STATUS_LABELS[status], String(counts[status])]);
    return toCsv([['Status', 'Projects'], ...rows]);
  }

  /** A token that projects refuses is renewed once: it may have been revoked, or outdated, a moment ago. */
  private async summary(principal: Principal, request: KitRequest, reply: KitReply): Promise<ProjectsAnswer> {
    const answer = await this.projects.summary(principal.accessToken);
    if (answer.state !== 'token-refused') return answer;
    const renewed = await this.sessions.renewNow(request, reply);
    return this.projects.summary(renewed.accessToken);
  }
}
