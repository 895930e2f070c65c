import type { VNode } from 'preact';
import type { DayUse, LicenseOverview } from '#licensing';
import { DoneNotice, ErrorSummary } from '../pages/form.js';
import { Layout, type Account } from '../pages/layout.js';
import { queryHref } from '../pages/links.js';
import { Moment } from '../pages/moment.js';
import { LICENSE_DONE, type LicenseDone } from './license-done.js';
import { BoughtFacts, BoughtFeatures, type BoughtShown } from './license-bought.view.js';
import { Files, type FilesShown } from './license-files.view.js';
import { Seats, type SeatsShown } from './license-seats.view.js';
import { LicenseStateBadge, seatsSentence } from './license-state.js';
import { UsageChart } from './usage-chart.js';

export interface FeatureUse {
  readonly feature: string;
  /** Of this license in its present period; undefined while it bears none. */
  readonly present: { readonly used: number; readonly limit: number | null } | undefined;
  /** Of this license, day by day. */
  readonly days: readonly DayUse[];
}

export interface LicenseViewProps {
  readonly account: Account;
  readonly license: LicenseOverview;
  readonly bought: BoughtShown;
  /** Undefined when the reader may not see who sits. */
  readonly seats: SeatsShown | undefined;
  /** Undefined when the reader may not see them. */
  readonly files: FilesShown | undefined;
  readonly usage: readonly FeatureUse[];
  /** Undefined when the reader may not see it. */
  readonly timeline:
    | {
        readonly entries: readonly {
          readonly sentence: string;
          readonly actor: string;
          readonly reason: string | null;
          readonly at: Date;
        }[];
        readonly next: string | null;
      }
    | undefined;
  readonly done: LicenseDone | undefined;
  readonly problem: string | undefined;
  readonly at: Date;
}

function Facts({ license, bought, at }: Pick<LicenseViewProps, 'license' | 'bought' | 'at'>): VNode {
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">What was bought</h2>
      <dl class="facts facts-plain">
        <div>
          <dt>State</dt>
          <dd>
            <LicenseStateBadge license={license} at={at} />
          </dd>
        </div>
        <div>
          <dt>Plan</dt>
          <dd>
            {license.planName}, version {license.planVersion}
            {license.trial && ' (trial)'}
          </dd>
        </div>
        <div>
          <dt>Starts</dt>
          <dd>
            <Moment at={license.startsAt} />
          </dd>
        </div>
        <div>
          <dt>Ends</dt>
          <dd>{license.endsAt ? <Moment at={license.endsAt} /> : 'Never'}</dd>
        </div>
        {license.graceDays > 0 && (
          <div>
            <dt>Grace</dt>
            <dd>{license.graceDays} days after the end</dd>
          </div>
        )}
        <div>
          <dt>Seats</dt>
          <dd>{seatsSentence(license)}</dd>
        </div>
        <BoughtFacts license={license} bought={bought} />
        <div>
          <dt>Environment</dt>
          <dd>{license.environment}</dd>
        </div>
        <div>
          <dt>License ID</dt>
          <dd>
            <code>{license.id}</code>
          </dd>
        </div>
      </dl>
      <BoughtFeatures license={license} bought={bought} at={at} />
    </section>
  );
}

function Usage({ usage }: { usage: readonly FeatureUse[] }): VNode {
  return (
    <section class="panel" aria-labelledby="usage">
      <h2 id="usage">Use in the last 30 days</h2>
      {usage.length === 0 && <p class="muted">This license counts no use.</p>}
      {usage.map(({ feature, present, days }) => (
        <div key={feature}>
          <h3>{feature}</h3>
          {present && (
            <p class="muted small">
              {present.limit === null
                ? `${present.used} used in this period, without a limit`
                : `${present.used} of ${present.limit} used in this period`}
            </p>
          )}
          <UsageChart feature={feature} days={days} />
        </div>
      ))}
    </section>
  );
}

function Timeline({
  license,
  timeline,
}: {
  license: LicenseOverview;
  timeline: NonNullable<LicenseViewProps['timeline']>;
}): VNode {
  return (
    <section class="panel" aria-labelledby="timeline">
      <h2 id="timeline">Timeline</h2>
      <ol class="timeline">
        {timeline.entries.map(({ sentence, actor, reason, at }, index) => (
          <li key={index}>
            <span>{sentence}</span>
            {reason !== null && <span class="small">Why: {reason}</span>}
            <span class="muted small">
              <Moment at={at} /> by {actor}
            </span>
          </li>
        ))}
      </ol>
      {timeline.next !== null && (
        <p>
          <a class="button" href={queryHref(`/console/licenses/${license.id}`, { before: timeline.next })}>
            Earlier
          </a>
        </p>
      )}
    </section>
  );
}

export function LicenseView(props: LicenseViewProps): VNode {
  const { account, license, bought, seats, files, usage, timeline, done, problem, at } = props;
  const title = `${license.moduleName} for ${license.organizationName}`;
  return (
    <Layout title={title} width="wide" account={account}>
      <div class="page-head">
        <p>
          <a href="/console/licenses">All licenses</a>
        </p>
        <h1>{title}</h1>
      </div>
      {problem !== undefined && (
        <ErrorSummary id="problem" title="Nothing was changed">
          {problem}
        </ErrorSummary>
      )}
      {done !== undefined && <DoneNotice>{LICENSE_DONE[done]}</DoneNotice>}
      <div class="panel-stack">
        <div class="panels">
          <div class="panel-stack">
            <Facts {...{ license, bought, at }} />
            <Usage usage={usage} />
          </div>
          {(seats ?? files) && (
            <div class="panel-stack">
              {seats && <Seats {...{ account, license, seats, at }} />}
              {files && <Files {...{ account, license, files, at }} />}
            </div>
          )}
        </div>
        {timeline && <Timeline license={license} timeline={timeline} />}
      </div>
    </Layout>
  );
}
