import type { DecisionCode } from '../licensing/index.js';

/**
 * What a decision rested on: a snapshot that the event stream keeps current, one that was asked for because the stream is
 * silent, one that was verified before Core Auth went away, the server that counts uses, the token alone, or nothing.
 */
export type DecisionSource = 'stream' | 'poll' | 'stale' | 'server' | 'token' | 'none';

export interface DecisionCount {
  readonly code: DecisionCode;
  readonly source: DecisionSource;
  readonly count: number;
}

/** How often this process has decided what since it began; bounded, since codes and sources are. */
export class DecisionCounts {
  private readonly counts = new Map<DecisionCode, Map<DecisionSource, number>>();

  add(code: DecisionCode, source: DecisionSource): void {
    const bySource = this.counts.get(code) ?? new Map<DecisionSource, number>();
    this.counts.set(code, bySource);
    bySource.set(source, (bySource.get(source) ?? 0) + 1);
  }

  list(): DecisionCount[] {
    return [...this.counts].flatMap(([code, bySource]) =>
      [...bySource].map(([source, count]) => ({ code, source, count })),
    );
  }
}
