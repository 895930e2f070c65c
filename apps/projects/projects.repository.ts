import { Inject, Injectable } from '@nestjs/common';
import { ProblemException } from '@core-auth/module-kit';
import { ProjectsDatabase } from './database.js';
import type { Project, ProjectCounts, ProjectStatus } from './project.js';

interface ProjectRow {
  id: string;
  name: string;
  status: ProjectStatus;
  created_at: Date;
  updated_at: Date;
}

export interface NewProject {
  organizationId: string;
  name: string;
  status: ProjectStatus;
  /** The person's id; absent when a service creates it. */
  createdBy: string | undefined;
  /** How many projects the organization's plan allows; null is unlimited. */
  limit: number | null;
}

/** Projects in PostgreSQL; every statement is about one organization. */
@Injectable()
export class ProjectsRepository {
  constructor(@Inject(ProjectsDatabase) private readonly database: ProjectsDatabase) {}

  /**
   * Newest first. `limit` null is all of them as of one moment; `after` is the last project of the page before: 400
   * `UNKNOWN_CURSOR` when the organization has no such project.
   */
  async list(organizationId: string, limit: number | null, after?: string): Promise<Project[]> {
    const rows = await this.database.query<ProjectRow>(
      'list-projects',
      `SELECT id, name, status, created_at, updated_at FROM projects.projects
        WHERE organization_id = $1
          AND ($3::uuid IS NULL OR (created_at, id) <
               (SELECT created_at, id FROM projects.projects WHERE id = $3 AND organization_id = $1))
        ORDER BY created_at DESC, id DESC LIMIT $2`,
      [organizationId, limit, after ?? null],
    );
    if (rows.length === 0 && after !== undefined && !(await this.has(organizationId, after))) {
      throw new ProblemException(
        400,
        'UNKNOWN_CURSOR',
        'Bad request',
        'A page begins after a project of your organization: begin with the first page.',
      );
    }
    return rows.map(toProject);
  }

  async counts(organizationId: string): Promise<ProjectCounts> {
    const rows = await this.database.query<{ status: ProjectStatus; number: string }>(
      'count-projects',
      `SELECT status, count(*) AS number FROM projects.projects WHERE organization_id = $1 GROUP BY status`,
      [organizationId],
    );
    const counts: ProjectCounts = { active: 0, on_hold: 0, done: 0 };
    for (const { status, number } of rows) counts[status] = Number(number);
    return counts;
  }

  async countAll(organizationId: string): Promise<number> {
    const [row] = await this.database.query<{ projects: number }>(
      'counted-projects',
      'SELECT projects FROM projects.project_counters WHERE organization_id = $1',
      [organizationId],
    );
    return row?.projects ?? 0;
  }

  /**
   * Undefined when the limit is reached. One statement decides: of two requests for the last place, the second waits
   * for the first one's row and then finds the condition false.
   */
  async create(project: NewProject): Promise<Project | undefined> {
    const [row] = await this.database.query<ProjectRow>(
      'create-project',
      `WITH counted AS (
         INSERT INTO projects.project_counters AS counter (organization_id, projects)
         SELECT $1::uuid, 1 WHERE $5::bigint IS NULL OR $5::bigint > 0
         ON CONFLICT (organization_id) DO UPDATE SET projects = counter.projects + 1
          WHERE $5::bigint IS NULL OR counter.projects < $5::bigint
         RETURNING organization_id
       )
       INSERT INTO projects.projects (organization_id, name, status, created_by)
       SELECT organization_id, $2, $3, $4::uuid FROM counted
       RETURNING id, name, status, created_at, updated_at`,
      [project.organizationId, project.name, project.status, project.createdBy ?? null, project.limit],
    );
    return row && toProject(row);
  }

  /** Undefined when the organization has no such project. */
  async setStatus(organizationId: string, id: string, status: ProjectStatus): Promise<Project | undefined> {
    const [row] = await this.database.query<ProjectRow>(
      'set-project-status',
      `UPDATE projects.projects SET status = $3, updated_at = now()
        WHERE id = $2 AND organization_id = $1
        RETURNING id, name, status, created_at, updated_at`,
      [organizationId, id, status],
    );
    return row && toProject(row);
  }

  private async has(organizationId: string, id: string): Promise<boolean> {
    const rows = await this.database.query(
      'has-project',
      'SELECT FROM projects.projects WHERE id = $2 AND organization_id = $1',
      [organizationId, id],
    );
    return rows.length > 0;
  }

  /** Whether the database answers. */
  async ping(): Promise<void> {
    await this.database.query('ping', 'SELECT 1', []);
  }
}

function toProject(row: ProjectRow): Project {
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
