import type { ChecklistItem, EvidenceKind, Severity } from './checklist.js';

export type ItemState = 'verified' | 'failed' | 'unknown' | 'not-applicable';

/** What one control found. Only the whole of the item's rule makes it `verified`. */
export type Finding =
  | { readonly state: 'verified'; readonly seen: string }
  | { readonly state: 'failed'; readonly expected: string; readonly seen: string; readonly mend: string }
  | { readonly state: 'unknown'; readonly seen: string; readonly missing: string }
  | { readonly state: 'not-applicable'; readonly seen: string };

/** A finding with its time. Past `expiresAt` it proves nothing any more. */
export interface Result {
  readonly id: string;
  readonly kind: EvidenceKind;
  readonly finding: Finding;
  readonly observedAt: Date;
  readonly expiresAt: Date;
}

export interface ReportEvidence {
  readonly kind: EvidenceKind;
  readonly seen: string;
  /** With `failed`: what should have been seen. */
  readonly expected?: string;
  /** With `failed`: the command or setting that mends it. */
  readonly mend?: string;
  /** With `unknown`: the evidence that would decide. */
  readonly missing?: string;
  /** ISO 8601; absent when nothing was observed yet. */
  readonly observedAt?: string;
  readonly ageSeconds?: number;
}

export interface ReportItem {
  readonly number: number;
  readonly id: string;
  readonly title: string;
  readonly section: string;
  readonly group: string | null;
  readonly severity: Severity;
  readonly state: ItemState;
  readonly evidence: ReportEvidence;
}

export interface ReportSummary {
  readonly verified: number;
  readonly failed: number;
  readonly unknown: number;
  readonly notApplicable: number;
}

/** Whom the report is about. */
export interface ReportSubject {
  readonly version: string;
  readonly commit: string;
  readonly instance: string;
  readonly environment: string;
}

export interface ReadinessReport extends ReportSubject {
  /** ISO 8601. */
  readonly generatedAt: string;
  readonly summary: ReportSummary;
  readonly items: readonly ReportItem[];
}

/** Whether a control for the item exists, so that "not yet" and "not at all" read differently. */
export type Coverage = 'controlled' | 'uncontrolled';

/** The section that each final item sums up, by the prefix of its items' ids. */
const finalSections: Readonly<Record<string, string>> = {
  'final.security': 'security.',
  'final.configuration': 'config.',
  'final.monitoring': 'monitoring.',
  'final.testing': 'testing.',
  'final.documentation': 'docs.',
  'final.deployment': 'deploy.',
  'final.quality': 'quality.',
  'final.performance': 'performance.',
};

const evidenceNeeded: Readonly<Record<EvidenceKind, string>> = {
  probe: 'a probe of the running system',
  boot: 'a check of the configuration as loaded',
  static: "an entry in the build's manifest",
  run: 'evidence of a run, bound to the commit that runs',
  attest: "a named person's signature with an end",
  derived: 'the items that it is derived from',
};

/**
 * Puts items and results together. An item is what its evidence says, and `unknown` where there is none, where it
 * is too old, or where it decides only a part of the item's rule.
 */
export function composeReport(
  items: readonly ChecklistItem[],
  results: ReadonlyMap<string, Result>,
  subject: ReportSubject,
  now: Date,
  coverage: (id: string) => Coverage = (id) => (results.has(id) ? 'controlled' : 'uncontrolled'),
): ReadinessReport {
  const measured = items
    .filter((item) => !(item.id in finalSections))
    .map((item) => measuredItem(item, results.get(item.id), coverage(item.id), now));
  const byId = new Map(measured.map((item) => [item.id, item]));
  const all = items.map((item) => byId.get(item.id) ?? derivedItem(item, measured));
  return { generatedAt: now.toISOString(), ...subject, summary: summarize(all), items: all };
}

function measuredItem(
  item: ChecklistItem,
  result: Result | undefined,
  coverage: Coverage,
  now: Date,
): ReportItem {
  const kind = result?.kind ?? item.kinds[0] ?? 'probe';
  if (!result) {
    return reportItem(item, 'unknown', {
      kind,
      seen: coverage === 'controlled' ? 'not measured yet since this process started' : 'nothing',
      missing: `${item.kinds.map((needed) => evidenceNeeded[needed]).join(' and ')}: ${item.verifiedBy}`,
    });
  }
  const age = {
    observedAt: result.observedAt.toISOString(),
    ageSeconds: Math.max(0, Math.round((now.getTime() - result.observedAt.getTime()) / 1000)),
  };
  const { state, ...told } = result.finding;
  if (now.getTime() > result.expiresAt.getTime()) {
    return reportItem(item, 'unknown', {
      kind,
      seen: `${result.finding.seen} (was ${state} then)`,
      missing: `fresh evidence: what was seen ended at ${result.expiresAt.toISOString()}`,
      ...age,
    });
  }
  return reportItem(item, state, { kind, ...told, ...age });
}

/** Verified only if every item of the section is verified or does not apply; failed if any is red. */
function derivedItem(item: ChecklistItem, measured: readonly ReportItem[]): ReportItem {
  const prefix = finalSections[item.id];
  const members = prefix === undefined ? [] : measured.filter((other) => other.id.startsWith(prefix));
  const counts = summarize(members);
  const seen =
    `${counts.verified} verified, ${counts.notApplicable} not applicable, ` +
    `${counts.failed} failed, ${counts.unknown} unknown of ${members.length}`;
  const named = (state: ItemState) =>
    members.filter((other) => other.state === state).map((other) => other.id);
  if (counts.failed > 0) {
    return reportItem(item, 'failed', {
      kind: 'derived',
      expected: 'every item of the section verified or not applicable',
      seen,
      mend: `mend ${named('failed').join(', ')}`,
    });
  }
  if (counts.unknown > 0 || members.length === 0) {
    return reportItem(item, 'unknown', {
      kind: 'derived',
      seen,
      missing: members.length === 0 ? 'items of its section' : `evidence for ${named('unknown').join(', ')}`,
    });
  }
  return reportItem(item, 'verified', { kind: 'derived', seen });
}

function reportItem(item: ChecklistItem, state: ItemState, evidence: ReportEvidence): ReportItem {
  const { number, id, title, section, group, severity } = item;
  return { number, id, title, section, group, severity, state, evidence };
}

function summarize(items: readonly ReportItem[]): ReportSummary {
  const count = (state: ItemState) => items.filter((item) => item.state === state).length;
  return {
    verified: count('verified'),
    failed: count('failed'),
    unknown: count('unknown'),
    notApplicable: count('not-applicable'),
  };
}
