import { Body, Controller, Get, Inject, Post, Query } from '@nestjs/common';
import {
  CurrentPrincipal,
  RequireFeature,
  RequireLicense,
  RequireScope,
  type Principal,
} from '@core-auth/module-kit';
import type { Project, ProjectCounts } from './project.js';
import { CreateProject, ListProjects } from './project.dto.js';
import { ProjectsRepository } from './projects.repository.js';
import { organizationOf, PROJECTS_FEATURE, ProjectsService } from './projects.service.js';

/** The API that other modules and services call with an access token. */
@Controller('api/projects')
@RequireLicense('projects')
export class ProjectsApiController {
  constructor(
    @Inject(ProjectsRepository) private readonly projects: ProjectsRepository,
    @Inject(ProjectsService) private readonly service: ProjectsService,
  ) {}

  /** Newest first; `limit` up to 200 (50), `after` the id of the last project of the page before. */
  @Get()
  @RequireScope('projects:read')
  async list(
    @CurrentPrincipal() principal: Principal,
    @Query() { limit, after }: ListProjects,
  ): Promise<{ projects: Project[] }> {
    return { projects: await this.projects.list(organizationOf(principal), limit ?? 50, after) };
  }

  /** How many projects are in each status. */
  @Get('summary')
  @RequireScope('projects:read')
  async summary(@CurrentPrincipal() principal: Principal): Promise<{ counts: ProjectCounts }> {
    return { counts: await this.projects.counts(organizationOf(principal)) };
  }

  /** 201 with the project; 403 `LIMIT_EXCEEDED` when the plan has no room. */
  @Post()
  @RequireScope('projects:write')
  @RequireFeature(PROJECTS_FEATURE, { current: ProjectsService })
  async create(@CurrentPrincipal() principal: Principal, @Body() body: CreateProject): Promise<Project> {
    return this.service.create(principal, body.name, body.status ?? 'active');
  }
}
