import type { VNode } from 'preact';
import type { ItemState, ReportItem } from '#readiness';
import { Icon, type IconName } from './icons.js';
import { InlineCode } from './inline-code.js';
import { Moment } from './moment.js';

const stateIcons: Readonly<Record<ItemState, IconName>> = {
  verified: 'check',
  failed: 'cross',
  unknown: 'question',
  'not-applicable': 'dash',
};

const stateNames: Readonly<Record<ItemState, string>> = {
  verified: 'Verified',
  failed: 'Failed',
  unknown: 'Unknown',
  'not-applicable': 'Not applicable',
};

const kindNames: Readonly<Record<ReportItem['evidence']['kind'], string>> = {
  probe: 'a probe of the running system',
  boot: 'the configuration as loaded',
  static: 'the manifest of the build',
  run: 'a recorded run',
  attest: 'a signed statement',
  derived: 'other items',
};

const severityNames: Readonly<Record<string, string>> = {
  critical: 'Critical',
  important: 'Important',
  'nice-to-have': 'Nice to have',
};

export function severityName(severity: string): string {
  return severityNames[severity] ?? severity;
}

export function stateName(state: ItemState): string {
  return stateNames[state];
}

/** Told apart by shape and word; color only repeats it (WCAG 2.2 §1.4.1). */
function StateBadge({ state }: { state: ItemState }): VNode {
  return (
    <span class={`state state-${state}`}>
      <Icon name={stateIcons[state]} />
      {stateNames[state]}
    </span>
  );
}

function Fact({ term, value }: { term: string; value: string | undefined }): VNode | null {
  if (value === undefined || value === '') return null;
  return (
    <div>
      <dt>{term}</dt>
      <dd>
        <InlineCode text={value} />
      </dd>
    </div>
  );
}

function Evidence({ item }: { item: ReportItem }): VNode {
  const { evidence, id } = item;
  return (
    <div class="evidence">
      <dl class="facts facts-plain">
        <Fact term="Expected" value={evidence.expected} />
        <Fact term="Seen" value={evidence.seen} />
        <Fact term="Missing" value={evidence.missing} />
        {evidence.mend !== undefined && (
          <div>
            <dt>What mends it</dt>
            <dd>
              <code class="code-block">{evidence.mend}</code>
            </dd>
          </div>
        )}
        <Fact term="Evidence from" value={kindNames[evidence.kind]} />
        <div>
          <dt>Observed</dt>
          <dd>
            {evidence.observedAt === undefined ? 'Not yet' : <Moment at={new Date(evidence.observedAt)} />}
          </dd>
        </div>
        <div>
          <dt>Item</dt>
          <dd>
            <a href={`#${encodeURIComponent(id)}`}>
              <code>{id}</code>
            </a>
          </dd>
        </div>
      </dl>
    </div>
  );
}

/** One row; what failed is open, because somebody has to act on it. */
export function ReadinessItem({ item }: { item: ReportItem }): VNode {
  return (
    <li class={`item item-${item.state}`} id={item.id}>
      <details open={item.state === 'failed'}>
        <summary>
          <StateBadge state={item.state} />
          <span class="item-title">
            <span class="item-number">{item.number}</span>
            <InlineCode text={item.title} />
          </span>
          <span class={`severity severity-${item.severity}`}>{severityName(item.severity)}</span>
        </summary>
        <Evidence item={item} />
      </details>
    </li>
  );
}
