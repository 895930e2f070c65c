import type { VNode } from 'preact';

const paths = {
  check: 'M3.5 8.5l3 3 6-7',
  cross: 'M4 4l8 8M12 4l-8 8',
  question: 'M5.6 5.8a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2 1-1.2 1.8M8 12.4v.1',
  dash: 'M4 8h8',
  lock: 'M4.5 7.5h7v5.5h-7zM6 7.5V5.4a2 2 0 0 1 4 0v2.1',
  arrow: 'M3.5 8h9M9 4.5L12.5 8 9 11.5',
  warning: 'M8 2.8l5.6 10H2.4zM8 6.8v2.8M8 11.4v.1',
} as const;

export type IconName = keyof typeof paths;

/** Decoration beside a text that says the same; hidden from assistive technology. */
export function Icon({ name }: { name: IconName }): VNode {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
