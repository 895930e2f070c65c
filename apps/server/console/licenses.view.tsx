import type { VNode } from 'preact';
import type { LicenseOverview } from '#licensing';
import { Layout, type Account } from '../pages/layout.js';
import { queryHref } from '../pages/links.js';
import { Moment } from '../pages/moment.js';
import { LicenseStateBadge, seatsSentence } from './license-state.js';

interface LicensesProps {
  readonly account: Account;
  /** Whose licenses these are; undefined shows those of every organization. */
  readonly organization: string | undefined;
  readonly search: string;
  readonly licenses: readonly LicenseOverview[];
  /** Where the next page begins. */
  readonly next: string | undefined;
  /** What ends within `soonDays`, the first end first. */
  readonly endingSoon: readonly LicenseOverview[];
  readonly soonDays: number;
  readonly at: Date;
}

function LicenseRow({ license, names, at }: { license: LicenseOverview; names: boolean; at: Date }): VNode {
  return (
    <li class="item license-row">
      <span class="license-name">
        <a href={`/console/licenses/${license.id}`}>
          {license.moduleName}
          {names && ` for ${license.organizationName}`}
        </a>
        <span class="muted small">
          {license.planName}, version {license.planVersion}
          {license.trial && ' (trial)'}
        </span>
      </span>
      <LicenseStateBadge license={license} at={at} />
      <span class="small">{seatsSentence(license)}</span>
      <span class="small">
        {license.endsAt ? (
          <>
            Ends <Moment at={license.endsAt} />
          </>
        ) : (
          'Has no end'
        )}
      </span>
    </li>
  );
}

function Search({ search }: { search: string }): VNode {
  return (
    <form class="search" method="get" action="/console/licenses" role="search">
      <div class="field">
        <label for="q">Organization</label>
        <input id="q" name="q" type="search" value={search} maxLength={100} />
      </div>
      <button class="button" type="submit">
        Search
      </button>
    </form>
  );
}

export function LicensesView(props: LicensesProps): VNode {
  const { account, organization, search, licenses, next, endingSoon, soonDays, at } = props;
  const names = organization === undefined;
  return (
    <Layout title="Licenses" width="wide" account={account}>
      <div class="page-head">
        <h1>Licenses</h1>
        <p class="lead">
          {names ? 'What every organization has bought.' : `What ${organization} has bought.`}
        </p>
      </div>
      {endingSoon.length > 0 && (
        <section aria-labelledby="soon">
          <h2 id="soon">Ends within {soonDays} days</h2>
          <ul class="item-list console-list">
            {endingSoon.map((license) => (
              <LicenseRow key={license.id} license={license} names={names} at={at} />
            ))}
          </ul>
        </section>
      )}
      <section aria-labelledby="all">
        <h2 id="all">All licenses</h2>
        {names && <Search search={search} />}
        {licenses.length === 0 ? (
          <p class="muted">
            {search === ''
              ? 'There is no license yet.'
              : `No organization whose name contains “${search}” has a license. Search for another name.`}
          </p>
        ) : (
          <ul class="item-list console-list">
            {licenses.map((license) => (
              <LicenseRow key={license.id} license={license} names={names} at={at} />
            ))}
          </ul>
        )}
        {next !== undefined && (
          <p>
            <a
              class="button"
              href={queryHref('/console/licenses', { q: search === '' ? undefined : search, after: next })}
            >
              Next licenses
            </a>
          </p>
        )}
      </section>
    </Layout>
  );
}
