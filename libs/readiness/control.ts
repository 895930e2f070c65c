import type { EvidenceKind } from './checklist.js';
import type { ControlContext } from './control-context.js';
import type { Finding } from './report.js';

/** One way of verifying one item of the checklist on the running system. */
export interface Control {
  /** The checklist's id of the item. */
  readonly id: string;
  readonly kind: EvidenceKind;
  /** Milliseconds after which the verification is given up, and the item is `unknown`. */
  readonly timeout: number;
  /** Milliseconds between two verifications. Evidence counts for twice this long. */
  readonly interval: number;
  verify(context: ControlContext, signal: AbortSignal): Promise<Finding>;
}

export const seconds = (count: number): number => count * 1_000;
export const minutes = (count: number): number => count * 60_000;

/** Every part of the item's rule was seen to hold. */
export const verified = (seen: string): Finding => ({ state: 'verified', seen });

/** A part of the rule was seen broken. */
export const failed = (expected: string, seen: string, mend: string): Finding => ({
  state: 'failed',
  expected,
  seen,
  mend,
});

/** A part of the rule could not be seen. */
export const unknown = (seen: string, missing: string): Finding => ({ state: 'unknown', seen, missing });

/** The fact from which it follows that the item does not apply here. */
export const notApplicable = (fact: string): Finding => ({ state: 'not-applicable', seen: fact });
