import type { Use } from '@core-auth/module-kit';
import type { VNode } from 'preact';
import {
  PROJECT_STATUSES,
  STATUS_LABELS,
  type ProjectCounts,
  type ProjectsAnswer,
} from '../projects-client.js';
import { renderPage, type HeaderView } from './layout.js';
import { StatusChart } from './status-chart.js';

interface ReportsView {
  header: HeaderView;
  answer: ProjectsAnswer;
  exportable: boolean;
  use: Use;
}

export function reportsPage({ header, answer, exportable, use }: ReportsView): string {
  const { moduleName } = header.options;
  const { organization } = header.principal;
  return renderPage({
    title: moduleName,
    moduleName,
    header,
    children: (
      <>
        <div class="head">
          <div>
            <p class="muted small">{organization?.name ?? organization?.key}</p>
            <h1>Projects by status</h1>
            <Allowance use={use} />
          </div>
          {answer.state === 'ok' &&
            (exportable ? (
              <a class="button" href="/reports.csv">
                Export as CSV
              </a>
            ) : (
              <p class="muted small">CSV export is not part of your plan.</p>
            ))}
        </div>
        {answer.state === 'ok' ? <Report counts={answer.counts} /> : <Missing answer={answer} />}
      </>
    ),
  });
}

/** What the plan leaves; a plan without a limit has nothing to say. */
function Allowance({ use: { limit, remaining, code } }: { use: Use }): VNode | null {
  if (limit === null || remaining === null) return null;
  return (
    <p class="muted small">
      {code === 'OK_OVERAGE'
        ? `More than the ${limit} reports of your plan: this one is billed.`
        : `${remaining} of ${limit} reports left this month`}
    </p>
  );
}

function Report({ counts }: { counts: ProjectCounts }): VNode {
  const total = PROJECT_STATUSES.reduce((sum, status) => sum + counts[status], 0);
  if (total === 0) {
    return (
      <section class="card">
        <h2>Nothing to count yet</h2>
        <p>As soon as your organization has a project, this page shows how many are in each status.</p>
      </section>
    );
  }
  return (
    <>
      <section class="card" aria-labelledby="chart">
        <h2 id="chart">
          {total} {total === 1 ? 'project' : 'projects'}
        </h2>
        <StatusChart counts={counts} />
      </section>
      <section class="card">
        <Table counts={counts} total={total} />
      </section>
    </>
  );
}

function Table({ counts, total }: { counts: ProjectCounts; total: number }): VNode {
  return (
    <table>
      <caption>The same in numbers</caption>
      <thead>
        <tr>
          <th scope="col">Status</th>
          <th scope="col" class="number">
            Projects
          </th>
          <th scope="col" class="number">
            Share
          </th>
        </tr>
      </thead>
      <tbody>
        {PROJECT_STATUSES.map((status) => (
          <tr key={status}>
            <th scope="row">
              <span class={`status status-${status}`}>{STATUS_LABELS[status]}</span>
            </th>
            <td class="number">{counts[status]}</td>
            <td class="number">{Math.round((counts[status] / total) * 100)} %</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Missing({ answer }: { answer: Exclude<ProjectsAnswer, { state: 'ok' }> }): VNode {
  const { title, text } = explain(answer);
  return (
    <section class="card" role="status">
      <h2>{title}</h2>
      <p>{text}</p>
      {answer.state !== 'denied' && (
        <p>
          <a class="button" href="/">
            Try again
          </a>
        </p>
      )}
    </section>
  );
}

function explain(answer: Exclude<ProjectsAnswer, { state: 'ok' }>): { title: string; text: string } {
  switch (answer.state) {
    case 'denied':
      return { title: 'Your projects cannot be read', text: answer.detail };
    case 'token-refused':
      return {
        title: 'Projects did not accept your sign-in',
        text: 'Sign out and in again if this stays so.',
      };
    case 'unavailable':
      return { title: 'Projects does not answer', text: 'The chart is made of it. Try again in a moment.' };
  }
}
