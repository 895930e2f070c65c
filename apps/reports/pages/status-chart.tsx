import type { VNode } from 'preact';
import { PROJECT_STATUSES, STATUS_LABELS, type ProjectCounts } from '../projects-client.js';

/** Heights in pixels; widths are shares of whatever room there is, so that text keeps its size. */
const ROW = 56;
const TEXT_LINE = 18;
const BAR_HEIGHT = 14;

/** Horizontal bars; whoever cannot see them gets the same sentence, and the table below has the numbers. */
export function StatusChart({ counts }: { counts: ProjectCounts }): VNode {
  const most = Math.max(1, ...PROJECT_STATUSES.map((status) => counts[status]));
  const sentence = PROJECT_STATUSES.map((status) => `${STATUS_LABELS[status]}: ${counts[status]}`).join(', ');
  return (
    <svg
      class="chart"
      height={ROW * PROJECT_STATUSES.length}
      role="img"
      aria-labelledby="chart-title chart-text"
    >
      <title id="chart-title">Projects by status</title>
      <desc id="chart-text">{sentence}</desc>
      {PROJECT_STATUSES.map((status, row) => {
        const top = row * ROW;
        const share = (counts[status] / most) * 100;
        return (
          <g key={status}>
            <text x="0" y={top + TEXT_LINE}>
              {STATUS_LABELS[status]}
            </text>
            <text x="100%" y={top + TEXT_LINE} text-anchor="end">
              {counts[status]}
            </text>
            <rect class="track" x="0" y={top + TEXT_LINE + 8} width="100%" height={BAR_HEIGHT} rx="5" />
            {share > 0 && (
              <rect
                class={`fill-${status}`}
                x="0"
                y={top + TEXT_LINE + 8}
                width={`${Math.max(share, 1).toFixed(2)}%`}
                height={BAR_HEIGHT}
                rx="5"
              />
            )}
          </g>
        );
      })}
    </svg>
  );
}
