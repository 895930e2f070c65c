/** Where a project stands. */
export const PROJECT_STATUSES = ['active', 'on_hold', 'done'] as const;

export type ProjectStatus = (typeof PROJECT_STATUSES)[number];

export const STATUS_LABELS: Readonly<Record<ProjectStatus, string>> = {
  active: 'Active',
  on_hold: 'On hold',
  done: 'Done',
};

export interface Project {
  id: string;
  name: string;
  status: ProjectStatus;
  createdAt: Date;
  updatedAt: Date;
}

/** How many projects of an organization are in each status. */
export type ProjectCounts = Record<ProjectStatus, number>;
