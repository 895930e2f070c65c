import type { ItemState, ReadinessReport, ReportItem } from '#readiness';
import type { StateCounts } from './state-bar.js';

export const itemStates = [
  'verified',
  'failed',
  'unknown',
  'not-applicable',
] as const satisfies readonly ItemState[];
export const severities = ['critical', 'important', 'nice-to-have'] as const;

export type SeveritySlug = (typeof severities)[number];

/** What the page shows; nothing set shows all. */
export interface ReadinessFilter {
  readonly state?: ItemState | undefined;
  readonly severity?: SeveritySlug | undefined;
}

/** Items of one section, with the counts of the whole section whatever the filter hides. */
export interface ReadinessSection {
  readonly slug: string;
  readonly name: string;
  readonly counts: StateCounts;
  readonly groups: readonly { readonly name: string | null; readonly items: readonly ReportItem[] }[];
}

/** Reads the query; what is none of the known values filters nothing. */
export function readinessFilter(query: {
  readonly state?: unknown;
  readonly severity?: unknown;
}): ReadinessFilter {
  return {
    state: itemStates.find((state) => state === query.state),
    severity: severities.find((severity) => severity === query.severity),
  };
}

function matches(item: ReportItem, filter: ReadinessFilter): boolean {
  return (
    (filter.state === undefined || item.state === filter.state) &&
    (filter.severity === undefined || item.severity === filter.severity)
  );
}

export function countStates(items: readonly ReportItem[]): StateCounts {
  const count = (state: ItemState): number => items.filter((item) => item.state === state).length;
  return {
    verified: count('verified'),
    failed: count('failed'),
    unknown: count('unknown'),
    notApplicable: count('not-applicable'),
  };
}

/** Anchor of a section: its name without the word that all of them end in. */
function slugOf(section: string): string {
  const words = section.toLowerCase().replace(/ checklist$/, '');
  return `section-${words.replace(/[^a-z0-9]+/g, '-')}`;
}

function partition<Key>(
  items: readonly ReportItem[],
  keyOf: (item: ReportItem) => Key,
): Map<Key, ReportItem[]> {
  const parts = new Map<Key, ReportItem[]>();
  for (const item of items) {
    const part = parts.get(keyOf(item));
    if (part) part.push(item);
    else parts.set(keyOf(item), [item]);
  }
  return parts;
}

/** Sections and groups in the report's order; a group that the filter empties is left out. */
export function readinessSections(report: ReadinessReport, filter: ReadinessFilter): ReadinessSection[] {
  return [...partition(report.items, (item) => item.section)].map(([name, items]) => ({
    slug: slugOf(name),
    name: name.replace(/ Checklist$/, ''),
    counts: countStates(items),
    groups: [
      ...partition(
        items.filter((item) => matches(item, filter)),
        (item) => item.group,
      ),
    ].map(([group, members]) => ({ name: group, items: members })),
  }));
}
