import type { VNode } from 'preact';
import type { ReadinessReport } from '#readiness';
import { Layout, type Account } from './layout.js';
import { queryHref } from './links.js';
import { Moment } from './moment.js';
import {
  countStates,
  itemStates,
  readinessSections,
  severities,
  type ReadinessFilter,
  type ReadinessSection,
} from './readiness-filter.js';
import { ReadinessItem, severityName, stateName } from './readiness-item.js';
import { StateBar, stateSentence } from './state-bar.js';

interface ReadinessProps {
  readonly report: ReadinessReport;
  /** From the query, by `readinessFilter()`. */
  readonly filter?: ReadinessFilter | undefined;
  readonly account?: Account | undefined;
}

interface ChipProps {
  readonly label: string;
  readonly count: number;
  readonly filter: ReadinessFilter;
  readonly current: boolean;
}

function Chip({ label, count, filter, current }: ChipProps): VNode {
  const href = queryHref('/readiness', { state: filter.state, severity: filter.severity });
  return (
    <li>
      <a class="chip" href={href} {...(current ? { 'aria-current': 'true' as const } : {})}>
        {label} <span class="chip-count">{count}</span>
      </a>
    </li>
  );
}

/** Each chip keeps the other filter; its count is what a click would show. */
function Filters({ report, filter }: { report: ReadinessReport; filter: ReadinessFilter }): VNode {
  const count = ({ state, severity }: ReadinessFilter): number =>
    report.items.filter(
      (item) =>
        (state === undefined || item.state === state) &&
        (severity === undefined || item.severity === severity),
    ).length;
  const chip = (label: string, next: ReadinessFilter, current: boolean): VNode => (
    <Chip key={label} label={label} count={count(next)} filter={next} current={current} />
  );
  const { state, severity } = filter;
  return (
    <nav class="filters" aria-label="Filter">
      <ul class="chip-list" aria-label="By state">
        {chip('All states', { severity }, state === undefined)}
        {itemStates.map((value) => chip(stateName(value), { state: value, severity }, value === state))}
      </ul>
      <ul class="chip-list" aria-label="By severity">
        {chip('All severities', { state }, severity === undefined)}
        {severities.map((value) => chip(severityName(value), { state, severity: value }, value === severity))}
      </ul>
    </nav>
  );
}

function Overview({ sections }: { sections: readonly ReadinessSection[] }): VNode {
  return (
    <nav aria-label="Sections">
      <ul class="section-grid">
        {sections.map(({ slug, name, counts, groups }) => (
          <li key={slug} class="section-card">
            {groups.length > 0 ? <a href={`#${slug}`}>{name}</a> : <span>{name}</span>}
            <StateBar counts={counts} />
            <span class="small muted">{stateSentence(counts)}</span>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Section({ section }: { section: ReadinessSection }): VNode {
  const { slug, name, counts, groups } = section;
  return (
    <section class="readiness-section" id={slug} aria-labelledby={`${slug}-heading`}>
      <div class="section-head">
        <h2 id={`${slug}-heading`}>{name}</h2>
        <span class="small muted">{stateSentence(counts)}</span>
      </div>
      {groups.map((group) => (
        <div key={group.name ?? ''}>
          {group.name !== null && group.name !== name && <h3 class="group">{group.name}</h3>}
          <ul class="item-list">
            {group.items.map((item) => (
              <ReadinessItem key={item.id} item={item} />
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

export function ReadinessView({ report, filter = {}, account }: ReadinessProps): VNode {
  const sections = readinessSections(report, filter);
  const shown = sections.filter(({ groups }) => groups.length > 0);
  const counts = countStates(report.items);
  return (
    <Layout title="Production readiness" width="wide" account={account}>
      <div class="page-head">
        <h1>Production readiness</h1>
        <p class="lead">
          {report.items.length} items. An item is verified only by evidence that was seen on this
          installation; what nobody has seen is unknown.
        </p>
      </div>
      <div class="panel readiness-summary">
        <p class="readiness-total">{stateSentence(counts)}</p>
        <StateBar counts={counts} />
        <p class="small muted">
          Refreshed <Moment at={new Date(report.generatedAt)} /> · {report.environment} · version{' '}
          {report.version} · commit <code>{report.commit}</code> · instance <code>{report.instance}</code>
        </p>
      </div>
      <Overview sections={sections} />
      <Filters report={report} filter={filter} />
      {shown.length === 0 ? (
        <p class="notice">No item matches both filters.</p>
      ) : (
        shown.map((section) => <Section key={section.slug} section={section} />)
      )}
    </Layout>
  );
}
