export { checklist, type ChecklistItem, type EvidenceKind, type Severity } from './checklist.js';
export type {
  ItemState,
  ReadinessReport,
  ReportEvidence,
  ReportItem,
  ReportSubject,
  ReportSummary,
} from './report.js';
export { ReadinessModule } from './readiness.module.js';
export { ReadinessReporter } from './readiness-reporter.js';
