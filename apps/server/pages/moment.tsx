import type { VNode } from 'preact';

// The server does not know the reader's time zone, so it says which one it writes.
const format = new Intl.DateTimeFormat('en-US', {
  dateStyle: 'medium',
  timeStyle: 'short',
  hourCycle: 'h23',
  timeZone: 'UTC',
});

export function Moment({ at }: { at: Date }): VNode {
  return <time datetime={at.toISOString()}>{`${format.format(at)} UTC`}</time>;
}
