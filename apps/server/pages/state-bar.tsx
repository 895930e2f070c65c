import type { VNode } from 'preact';

/** How many readiness items are in which state; the shape of a report's summary. */
export interface StateCounts {
  readonly verified: number;
  readonly failed: number;
  readonly unknown: number;
  readonly notApplicable: number;
}

function totalOf(counts: StateCounts): number {
  return counts.verified + counts.failed + counts.unknown + counts.notApplicable;
}

/** The bar in words, e.g. `41 of 147 verified, 2 failed, 104 unknown`. */
export function stateSentence(counts: StateCounts): string {
  const parts = [`${counts.verified} of ${totalOf(counts)} verified`];
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts.unknown > 0) parts.push(`${counts.unknown} unknown`);
  if (counts.notApplicable > 0) parts.push(`${counts.notApplicable} not applicable`);
  return parts.join(', ');
}

/** A stacked bar. Its lengths are SVG attributes: an inline style would be refused by the page's policy. */
export function StateBar({ counts }: { counts: StateCounts }): VNode {
  const segments = [
    ['verified', counts.verified],
    ['failed', counts.failed],
    ['not-applicable', counts.notApplicable],
  ] as const;
  const total = Math.max(1, totalOf(counts));
  let x = 0;
  return (
    <svg
      class="bar"
      viewBox={`0 0 ${total} 1`}
      preserveAspectRatio="none"
      role="img"
      aria-label={stateSentence(counts)}
    >
      <rect class="bar-track" x={0} y={0} width={total} height={1} />
      {segments.map(([state, width]) => {
        const start = x;
        x += width;
        return <rect key={state} class={`bar-${state}`} x={start} y={0} width={width} height={1} />;
      })}
    </svg>
  );
}
