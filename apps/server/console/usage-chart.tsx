import type { VNode } from 'preact';
import type { DayUse } from '#licensing';

const HEIGHT = 100;
const BAR = 10;

/** A bar for each day. Its lengths are SVG attributes: an inline style would be refused by the page's policy. */
export function UsageChart({ feature, days }: { feature: string; days: readonly DayUse[] }): VNode {
  const most = Math.max(0, ...days.map(({ used }) => used));
  const heightOf = (used: number) => (most === 0 ? 0 : (used / most) * HEIGHT);
  const total = days.reduce((sum, { used }) => sum + used, 0);
  const [first, last] = [days[0]?.day ?? '', days.at(-1)?.day ?? ''];
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${days.length * BAR} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${feature}: ${total} used from ${first} to ${last}, at most ${most} a day`}
      >
        {days.map(({ day, used }, index) => (
          <rect
            key={day}
            class="chart-bar"
            x={index * BAR + 1}
            y={HEIGHT - heightOf(used)}
            width={BAR - 2}
            height={heightOf(used)}
          >
            <title>{`${day}: ${used}`}</title>
          </rect>
        ))}
      </svg>
      <figcaption class="chart-days muted small">
        <span>{first}</span>
        <span>most in a day: {most}</span>
        <span>{last}</span>
      </figcaption>
    </figure>
  );
}
