import type { VNode } from 'preact';
import { PROJECT_STATUSES, STATUS_LABELS, type Project, type ProjectCounts } from '../project.js';
import type { Allowance } from '../projects.service.js';
import { renderPage, type HeaderView } from './layout.js';

interface ProjectsView {
  header: HeaderView;
  projects: readonly Project[];
  /** Id to go on from, when there are more. */
  next: string | undefined;
  /** This is the first page. */
  first: boolean;
  counts: ProjectCounts;
  allowance: Allowance;
  exportable: boolean;
  form: { name: string; problem: string | undefined };
}

export function projectsPage(view: ProjectsView): string {
  const { moduleName } = view.header.options;
  const { organization } = view.header.principal;
  return renderPage({
    title: moduleName,
    moduleName,
    header: view.header,
    children: (
      <>
        <div class="head">
          <div>
            <p class="muted small">{organization?.name ?? organization?.key}</p>
            <h1>Projects</h1>
          </div>
          <Export included={view.exportable} />
        </div>
        <NewProject {...view} />
        <section class="card" aria-labelledby="list">
          <h2 id="list">All projects</h2>
          <Counts counts={view.counts} />
          {view.projects.length === 0 ? (
            <p class="muted">There is no project yet. Name the first one above.</p>
          ) : (
            <ul class="list">
              {view.projects.map((project) => (
                <Row key={project.id} project={project} organizationId={organization?.id} />
              ))}
            </ul>
          )}
          <Paging {...view} />
        </section>
      </>
    ),
  });
}

function Export({ included }: { included: boolean }): VNode {
  return included ? (
    <a class="button" href="/projects.csv">
      Export as CSV
    </a>
  ) : (
    <p class="muted small">CSV export is not part of your plan.</p>
  );
}

function NewProject({ allowance, form, header }: ProjectsView): VNode {
  const { used, limit, open } = allowance;
  const { organization } = header.principal;
  return (
    <section class="card" aria-labelledby="new">
      <h2 id="new">New project</h2>
      {form.problem !== undefined && (
        <p class="problem" role="alert" id="problem">
          {form.problem}
        </p>
      )}
      {open ? (
        <form method="post" action="/projects" class="fields">
          <ShownOrganization id={organization?.id} />
          <div class="field grow">
            <label for="name">Name</label>
            <input
              id="name"
              name="name"
              required
              maxLength={120}
              autoComplete="off"
              value={form.name}
              aria-invalid={form.problem !== undefined}
              {...(form.problem === undefined ? {} : { 'aria-describedby': 'problem' })}
            />
          </div>
          <div class="field">
            <label for="status">Status</label>
            <StatusSelect id="status" selected="active" />
          </div>
          <button class="primary" type="submit">
            Create
          </button>
        </form>
      ) : (
        form.problem === undefined && (
          <p>
            Your plan has no room for another project. Ask an owner or administrator of{' '}
            {organization?.name ?? organization?.key} to extend it.
          </p>
        )
      )}
      {limit !== null && (
        <p class="muted small">
          {used} of {limit} projects used.
        </p>
      )}
    </section>
  );
}

/** Lets the server refuse a form that was shown before the organization was switched in another tab. */
function ShownOrganization({ id }: { id: string | undefined }): VNode {
  return <input type="hidden" name="organization_id" value={id} />;
}

function StatusSelect({ id, selected }: { id: string; selected: string }): VNode {
  return (
    <select id={id} name="status">
      {PROJECT_STATUSES.map((status) => (
        <option key={status} value={status} selected={status === selected}>
          {STATUS_LABELS[status]}
        </option>
      ))}
    </select>
  );
}

function Counts({ counts }: { counts: ProjectCounts }): VNode {
  return (
    <ul class="counts small">
      {PROJECT_STATUSES.map((status) => (
        <li key={status} class={`status status-${status}`}>
          {counts[status]} {STATUS_LABELS[status].toLowerCase()}
        </li>
      ))}
    </ul>
  );
}

function Row({ project, organizationId }: { project: Project; organizationId: string | undefined }): VNode {
  const { id, name, status, createdAt } = project;
  const day = createdAt.toISOString().slice(0, 10);
  return (
    <li>
      <div class="what">
        <strong>{name}</strong>
        <div class="muted small">
          <span class={`status status-${status}`}>{STATUS_LABELS[status]}</span>, created{' '}
          <time dateTime={createdAt.toISOString()}>{day}</time>
        </div>
      </div>
      <form method="post" action={`/projects/${id}/status`}>
        <ShownOrganization id={organizationId} />
        <label class="hidden" for={`status-${id}`}>
          Status of {name}
        </label>
        <StatusSelect id={`status-${id}`} selected={status} />
        <button type="submit">
          Set<span class="hidden"> the status of {name}</span>
        </button>
      </form>
    </li>
  );
}

function Paging({ first, next }: ProjectsView): VNode | null {
  if (first && next === undefined) return null;
  return (
    <nav aria-label="Pages" class="actions">
      {!first && (
        <a class="button" href="/">
          Newest
        </a>
      )}
      {next !== undefined && (
        <a class="button" href={`/?after=${next}`}>
          Older
        </a>
      )}
    </nav>
  );
}
