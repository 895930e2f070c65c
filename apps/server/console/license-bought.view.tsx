import type { VNode } from 'preact';
import type { BoughtFeature, BoughtLicense, FeatureOverride, LicenseOverview } from '#licensing';
import { Moment } from '../pages/moment.js';
import { seatsWords, valueWords } from './license-words.js';

/** What a license gives beside its plan's name, with the names of plan versions by id. */
export interface BoughtShown extends BoughtLicense {
  readonly planNames: ReadonlyMap<string, string>;
}

/** Rows of the list of facts. */
export function BoughtFacts({ license, bought }: { license: LicenseOverview; bought: BoughtShown }): VNode {
  const { overage, seatOnFirstUse, seatCooldownSeconds, leaseSeconds, surplusUntil, features } = bought;
  const named = license.seatModel === 'named';
  return (
    <>
      <div>
        <dt>Time zone</dt>
        <dd>{license.timeZone}</dd>
      </div>
      {named && seatOnFirstUse && (
        <div>
          <dt>First use</dt>
          <dd>A member who comes without a seat gets a free one</dd>
        </div>
      )}
      {named && seatCooldownSeconds > 0 && (
        <div>
          <dt>Cool-down</dt>
          <dd>A released seat goes to somebody else after {durationWords(seatCooldownSeconds)}</dd>
        </div>
      )}
      {license.seatModel === 'floating' && (
        <div>
          <dt>Lease</dt>
          <dd>A floating seat is held for {durationWords(leaseSeconds)} without a sign of its holder</dd>
        </div>
      )}
      {surplusUntil !== null && (
        <div>
          <dt>Surplus</dt>
          <dd>
            Those beyond the seat limit keep access until <Moment at={new Date(surplusUntil)} />
          </dd>
        </div>
      )}
      {features.some(({ type }) => type === 'metered') && (
        <div>
          <dt>Beyond limits</dt>
          <dd>{overage === 'allow' ? 'More use is allowed, and billed' : 'More use is refused'}</dd>
        </div>
      )}
    </>
  );
}

/** The change by which a license gets named seats that it has not now, and which can be assigned ahead. */
export function seatsAhead(
  { seatModel }: Pick<LicenseOverview, 'seatModel'>,
  { coming }: Pick<BoughtLicense, 'coming'>,
): BoughtLicense['coming'][number] | undefined {
  return seatModel === 'named' ? undefined : coming.find((terms) => terms.seatModel === 'named');
}

/** What each feature is, and what is to change. */
export function BoughtFeatures({
  license,
  bought,
  at,
}: {
  license: LicenseOverview;
  bought: BoughtShown;
  at: Date;
}): VNode {
  const becomesNamed = seatsAhead(license, bought);
  return (
    <>
      {bought.features.length > 0 && (
        <>
          <h3 id="features">Features</h3>
          <dl class="facts facts-plain" aria-labelledby="features">
            {bought.features.map((feature) => (
              <div key={feature.key}>
                <dt>{feature.key}</dt>
                <dd>
                  <Feature feature={feature} at={at} />
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
      {bought.coming.length > 0 && (
        <>
          <h3 id="coming">Planned changes</h3>
          <dl class="facts facts-plain" aria-labelledby="coming">
            {bought.coming.map(({ effectiveAt, planVersionId, ...seats }) => (
              <div key={effectiveAt}>
                <dt>
                  <Moment at={new Date(effectiveAt)} />
                </dt>
                <dd>
                  {bought.planNames.get(planVersionId) ?? planVersionId}; {seatsWords(seats)}
                  {effectiveAt === becomesNamed?.effectiveAt && (
                    <span class="muted small">
                      Nobody is seated by the change: assign the seats before, since those alone who hold one
                      get in from then on.
                    </span>
                  )}
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </>
  );
}

function Feature({ feature, at }: { feature: BoughtFeature; at: Date }): VNode {
  const { included, value, overrides, period } = feature;
  const byPlan = included ? valueWords(value, period) : 'not included';
  const words = (one: FeatureOverride) => (one.removed ? 'not included' : valueWords(one.value, period));
  const present = overrides.find(({ startsAt }) => Date.parse(startsAt) <= at.getTime());
  return (
    <>
      {present ? words(present) : byPlan}
      {overrides.map((override, index) => {
        const begun = override === present;
        return (
          <span key={override.startsAt} class="muted small">
            {index > 0 && `; then ${words(override)}`}
            {index === 0 &&
              (begun
                ? ` beside the plan (by which: ${byPlan})`
                : ` beside the plan: ${words(override)}`)}{' '}
            <Validity override={override} begun={begun} />
          </span>
        );
      })}
    </>
  );
}

function Validity({ override, begun }: { override: FeatureOverride; begun: boolean }): VNode {
  return (
    <>
      {!begun && (
        <>
          from <Moment at={new Date(override.startsAt)} />{' '}
        </>
      )}
      {override.endsAt === null ? (
        'without an end'
      ) : (
        <>
          until <Moment at={new Date(override.endsAt)} />
        </>
      )}
    </>
  );
}

/** Such as `2 days`, in the largest unit that says it in whole numbers. */
function durationWords(seconds: number): string {
  const units = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ] as const;
  const [length, name] = units.find(([unit]) => seconds % unit === 0) ?? [1, 'second'];
  const count = seconds / length;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
