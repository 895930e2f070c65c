import { Inject, Injectable } from '@nestjs/common';
import { LicenseChecker, type Principal, type UsageCounter } from '@core-auth/module-kit';
import type { Project, ProjectStatus } from './project.js';
import { ProjectsRepository } from './projects.repository.js';

/** Name of the limit feature: how many projects an organization may have. */
export const PROJECTS_FEATURE = 'projects';

/** What the organization's plan leaves room for. */
export interface Allowance {
  used: number;
  /** Null: unlimited. */
  limit: number | null;
  /** One more may be created. */
  open: boolean;
}

/** Creating projects within what the organization has licensed; its page and its API both come here. */
@Injectable()
export class ProjectsService implements UsageCounter {
  constructor(
    @Inject(ProjectsRepository) private readonly projects: ProjectsRepository,
    @Inject(LicenseChecker) private readonly licenses: LicenseChecker,
  ) {}

  async countUsage(principal: Principal): Promise<number> {
    return this.projects.countAll(organizationOf(principal));
  }

  async allowance(principal: Principal): Promise<Allowance> {
    const used = await this.countUsage(principal);
    const decision = await this.licenses.decide(principal, { feature: PROJECTS_FEATURE, current: used });
    return { used, limit: decision.limit ?? null, open: decision.allow };
  }

  /** Whether the plan includes the feature. */
  async includes(principal: Principal, feature: string): Promise<boolean> {
    return (await this.licenses.decide(principal, { feature })).allow;
  }

  /** Throws 403 `LIMIT_EXCEEDED`, and whatever else the license says. The statement decides, so no race passes it. */
  async create(principal: Principal, name: string, status: ProjectStatus): Promise<Project> {
    const question = { feature: PROJECTS_FEATURE, current: await this.countUsage(principal) };
    const decision = await this.licenses.require(principal, question);
    const created = await this.projects.create({
      organizationId: organizationOf(principal),
      name,
      status,
      createdBy: principal.user?.id,
      limit: decision.limit ?? null,
    });
    if (created) return created;
    throw this.licenses.refusal({ ...decision, code: 'LIMIT_EXCEEDED' }, principal, question);
  }
}

/** The organization of a principal that a guard has let through with a license, hence with an organization. */
export function organizationOf(principal: Principal): string {
  if (!principal.organization) throw new Error('A licensed route without an organization');
  return principal.organization.id;
}
