import { Injectable } from '@nestjs/common';

export const PROJECT_STATUSES = ['active', 'on_hold', 'done'] as const;
export type ProjectStatus = (typeof PROJECT_STATUSES)[number];
export type ProjectCounts = Readonly<Record<ProjectStatus, number>>;

export const STATUS_LABELS: Readonly<Record<ProjectStatus, string>> = {
  active: 'Active',
  on_hold: 'On hold',
  done: 'Done',
};

/** What the projects module answered. */
export type ProjectsAnswer =
  | { state: 'ok'; counts: ProjectCounts }
  /** The access token is not accepted any more; a new one may be. */
  | { state: 'token-refused' }
  /** The person or the organization may not; the text is for people. */
  | { state: 'denied'; code: string; detail: string }
  | { state: 'unavailable' };

const TIME_LIMIT_MS = 5000;

/** The projects module's API, called in the person's name. */
@Injectable()
export class ProjectsClient {
  constructor(private readonly baseUrl: string) {}

  /** How many projects are in each status. */
  async summary(accessToken: string): Promise<ProjectsAnswer> {
    let answer: Response;
    let body: unknown;
    try {
      answer = await fetch(`${this.baseUrl}/api/projects/summary`, {
        headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(TIME_LIMIT_MS),
      });
      body = await answer.json();
    } catch {
      return { state: 'unavailable' };
    }
    if (answer.status === 401) return { state: 'token-refused' };
    if (answer.status === 403) return denial(body);
    const counts = answer.ok ? readCounts(body) : undefined;
    return counts ? { state: 'ok', counts } : { state: 'unavailable' };
  }
}

function denial(body: unknown): ProjectsAnswer {
  const { code, detail } = (body ?? {}) as Record<string, unknown>;
  return {
    state: 'denied',
    code: typeof code === 'string' ? code : 'FORBIDDEN',
    detail: typeof detail === 'string' ? detail : 'The projects module does not let you see its projects.',
  };
}

function readCounts(body: unknown): ProjectCounts | undefined {
  const counts = (body as { counts?: Record<string, unknown> } | null)?.counts;
  if (!counts) return undefined;
  const read = (status: ProjectStatus): number => {
    const value = counts[status];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
  };
  return { active: read('active'), on_hold: read('on_hold'), done: read('done') };
}
