import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Inject,
  Param,
  ParseUUIDPipe,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import {
  CurrentPrincipal,
  LauncherLinks,
  MODULE_KIT_OPTIONS,
  ProblemException,
  RequireFeature,
  RequireLicense,
  RequireSignIn,
  type KitReply,
  type Principal,
  type ResolvedOptions,
} from '@core-auth/module-kit';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { toCsv } from './csv.js';
import type { HeaderView } from './pages/layout.js';
import { projectsPage } from './pages/projects-page.js';
import { STATUS_LABELS } from './project.js';
import { ChangeStatus, CreateProject } from './project.dto.js';
import { ProjectsRepository } from './projects.repository.js';
import { organizationOf, ProjectsService } from './projects.service.js';
import { requireShownOrganization } from './shown-organization.js';

const PAGE_SIZE = 50;

/** The module's pages, for a person in a browser. */
@Controller()
@RequireSignIn()
@RequireLicense('projects')
export class ProjectsController {
  constructor(
    @Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(ProjectsRepository) private readonly projects: ProjectsRepository,
    @Inject(ProjectsService) private readonly service: ProjectsService,
    @Inject(LauncherLinks) private readonly launcher: LauncherLinks,
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  async page(
    @CurrentPrincipal() principal: Principal,
    @Query('after', new ParseUUIDPipe({ optional: true })) after: string | undefined,
  ): Promise<string> {
    return this.render(principal, { after });
  }

  /** A form: back to the list on success, the form again with what was typed otherwise. */
  @Post('projects')
  @HttpCode(303)
  async create(
    @CurrentPrincipal() principal: Principal,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: KitReply,
  ): Promise<string> {
    requireShownOrganization(
      principal,
      (body as { organization_id?: unknown } | null | undefined)?.organization_id,
    );
    const wanted = plainToInstance(CreateProject, body ?? {});
    const reasons = validateSync(wanted).flatMap(({ constraints }) => Object.values(constraints ?? {}));
    if (reasons.length > 0)
      return this.formAgain(reply, 400, principal, typed(wanted.name), reasons[0] ?? '');
    try {
      await this.service.create(principal, wanted.name, wanted.status ?? 'active');
    } catch (error) {
      if (!(error instanceof ProblemException) || error.code !== 'LIMIT_EXCEEDED') throw error;
      return this.formAgain(reply, 403, principal, wanted.name, error.detail);
    }
    reply.header('location', '/');
    return '';
  }

  @Post('projects/:id/status')
  @HttpCode(303)
  @Header('location', '/')
  async changeStatus(
    @CurrentPrincipal() principal: Principal,
    @Param('id', ParseUUIDPipe) id: string,
    @Body() { status, organization_id }: ChangeStatus,
  ): Promise<string> {
    requireShownOrganization(principal, organization_id);
    const changed = await this.projects.setStatus(organizationOf(principal), id, status);
    if (!changed)
      throw new ProblemException(404, 'NOT_FOUND', 'Not found', 'Your organization has no such project.');
    return '';
  }

  @Get('projects.csv')
  @RequireFeature('export')
  @Header('content-type', 'text/csv; charset=utf-8')
  @Header('content-disposition', 'attachment; filename="projects.csv"')
  async export(@CurrentPrincipal() principal: Principal): Promise<string> {
    const rows: string[][] = [['Name', 'Status', 'Created', 'Changed']];
    for (const project of await this.projects.list(organizationOf(principal), null)) {
      const { name, status, createdAt, updatedAt } = project;
      rows.push([name, STATUS_LABELS[status], createdAt.toISOString(), updatedAt.toISOString()]);
    }
    return toCsv(rows);
  }

  private async formAgain(
    reply: KitReply,
    status: number,
    principal: Principal,
    name: string,
    problem: string,
  ): Promise<string> {
    reply.code(status);
    reply.header('content-type', 'text/html; charset=utf-8');
    return this.render(principal, { form: { name, problem } });
  }

  private async render(
    principal: Principal,
    shown: { after?: string | undefined; form?: { name: string; problem: string } },
  ): Promise<string> {
    const organizationId = organizationOf(principal);
    const [page, counts, allowance, exportable, links] = await Promise.all([
      this.projects.list(organizationId, PAGE_SIZE + 1, shown.after),
      this.projects.counts(organizationId),
      this.service.allowance(principal),
      this.service.includes(principal, 'export'),
      this.launcher.of(principal),
    ]);
    const header: HeaderView = { principal, links, options: this.options };
    return projectsPage({
      header,
      projects: page.slice(0, PAGE_SIZE),
      next: page.length > PAGE_SIZE ? page[PAGE_SIZE - 1]?.id : undefined,
      first: shown.after === undefined,
      counts,
      allowance,
      exportable,
      form: shown.form ?? { name: '', problem: undefined },
    });
  }
}

function typed(name: unknown): string {
  return typeof name === 'string' ? name : '';
}
