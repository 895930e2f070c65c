export type { ItemState, ReadinessReport, ReportItem } from './report.js';
export { ReadinessModule } from './readiness.module.js';
export { ReadinessReporter } from './readiness-reporter.js';
