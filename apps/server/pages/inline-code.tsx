import type { VNode } from 'preact';

/** Text in which names stand between backticks, as the checklist writes them. */
export function InlineCode({ text }: { text: string }): VNode {
  return (
    <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</>
  );
}
