import data from './checklist.json' with { type: 'json' };

/** How an item is verified: measured on the running system, read from the loaded configuration, and so on. */
export type EvidenceKind = 'probe' | 'boot' | 'static' | 'run' | 'attest' | 'derived';

export type Severity = 'critical' | 'important' | 'nice-to-have';

/** One of the checklist's items, in the checklist's own words. */
export interface ChecklistItem {
  readonly number: number;
  readonly id: string;
  readonly section: string;
  /** Null where the section has no groups. */
  readonly group: string | null;
  readonly title: string;
  readonly severity: Severity;
  readonly kinds: readonly EvidenceKind[];
  /** The rule: what has to be seen before the item may be called verified. */
  readonly verifiedBy: string;
  /** The fault that has to turn the item red. */
  readonly fault: string;
}

/** All items in the checklist's order. */
export const checklist = data as readonly ChecklistItem[];
