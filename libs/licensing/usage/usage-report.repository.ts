import { Injectable } from '@nestjs/common';
import { decide } from '@core-auth/module-kit/licensing';
import { Clock, Database, PublicError, sql } from '#platform';
import { LicenseRepository } from '../license.repository.js';
import { periodsOf } from './period.repository.js';
import { bearersOf, total } from './spread.js';
import { csvLine, invalidRange, requireSoundDays, type DayUse, type UsedPeriod } from './usage-report.js';
import type { UsageAnswer } from './usage.js';
import { meteredFeature } from './usage.repository.js';

/** What one license counts in the present. */
export interface LicenseUse {
  readonly licenseId: string;
  readonly used: number;
  /** Null is unlimited. */
  readonly limit: number | null;
  readonly periodStartsAt: Date;
  readonly periodEndsAt: Date;
}

export interface PresentUse extends UsageAnswer {
  /** Those that bear use now, in the order in which they do. */
  readonly licenses: readonly LicenseUse[];
}

interface CounterRow {
  organization_id: string;
  organization_key: string;
  module_key: string;
  license_id: string;
  feature_key: string;
  period_starts_at: Date;
  period_ends_at: Date;
  used: string;
}

const PAGE = 500;
const MOST_PERIODS = 500;
const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** What has been used of metered features, to be looked at and billed. */
@Injectable()
export class UsageReportRepository {
  constructor(
    private readonly database: Database,
    private readonly licenses: LicenseRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Use of the present period, and how a machine would be answered that uses nothing.
   * @throws PublicError 400 `not_metered`; 404 `unknown_organization`, `unknown_feature`
   */
  async present(organizationId: string, moduleKey: string, feature: string): Promise<PresentUse> {
    const snapshot = await this.licenses.snapshot(organizationId);
    const module = snapshot?.modules.find(({ key }) => key === moduleKey);
    if (!snapshot || !module) {
      throw new PublicError(404, 'unknown_organization', 'There is no such organization.');
    }
    const at = this.clock.now();
    const definition = meteredFeature(module.features, feature);
    const { environment } = module;
    const question = { userId: null, module: moduleKey, environment, feature, amount: 0 };
    const { allow, code } = decide(snapshot, question, at);
    const bearers = allow ? bearersOf(snapshot, definition, question, at.getTime()) : [];
    const periods = await periodsOf(this.database, bearers, {
      feature,
      unit: definition.period ?? 'month',
      at,
    });
    const licenses = bearers.flatMap(({ licenseId, limit }) => {
      const period = periods.get(licenseId);
      if (!period) return [];
      const { used, startsAt: periodStartsAt, endsAt: periodEndsAt } = period;
      return [{ licenseId, used, limit, periodStartsAt, periodEndsAt }];
    });
    const usedBy = new Map(licenses.map(({ licenseId, used }) => [licenseId, used]));
    const [first] = licenses;
    return {
      allow,
      code,
      ...total(bearers, definition.combine, usedBy),
      periodStartsAt: first?.periodStartsAt ?? null,
      periodEndsAt: first?.periodEndsAt ?? null,
      licenses,
    };
  }

  /**
   * Counters of an organization, by license and feature, the latest period first.
   * @param filter of one module, feature or license when it names them; `limit` 1 to 500 rows, 100 unless told;
   * `before` only periods that started earlier, to read on
   */
  async periods(
    organizationId: string,
    filter: {
      readonly module?: string;
      readonly feature?: string;
      readonly licenseId?: string;
      readonly before?: Date;
      readonly limit?: number;
    } = {},
  ): Promise<UsedPeriod[]> {
    const { module = null, feature = null, licenseId = null, before = null, limit = 100 } = filter;
    const rows = await this.database.query<CounterRow>(sql`
      SELECT organization_id, organizations.key AS organization_key, module_key, license_id, feature_key,
             period_starts_at, period_ends_at, used
        FROM licenses JOIN usage_counters ON license_id = licenses.id
        JOIN organizations ON organizations.id = organization_id
       WHERE organization_id = ${organizationId}
         AND (${module}::text IS NULL OR module_key = ${module})
         AND (${feature}::text IS NULL OR feature_key = ${feature})
         AND (${licenseId}::uuid IS NULL OR license_id = ${licenseId})
         AND (${before}::timestamptz IS NULL OR period_starts_at < ${before})
       ORDER BY period_starts_at DESC, license_id, feature_key
       LIMIT ${Math.min(Math.max(1, limit), MOST_PERIODS)}`);
    return rows.map(periodOf);
  }

  /**
   * Use of each day of a time zone, days without any as 0, the earliest first.
   * @param days first and last day as `2026-03-29`, at most 400 of them: older use is kept by period alone
   * @throws PublicError 400 `invalid_range`
   */
  async series(
    organizationId: string,
    moduleKey: string,
    feature: string,
    days: { readonly first: string; readonly last: string; readonly timeZone: string },
  ): Promise<DayUse[]> {
    requireSoundDays(days);
    const { first, last, timeZone } = days;
    const rows = await this.database.query<{ day: string; used: string }>(sql`
      SELECT to_char(day, 'YYYY-MM-DD') AS day, COALESCE(used, 0) AS used
        FROM generate_series(${first}::timestamp, ${last}::timestamp, '1 day') AS day
        LEFT JOIN (
          SELECT date_trunc('day', occurred_at AT TIME ZONE ${timeZone}::text) AS used_on, sum(amount) AS used
            FROM usage_events
           WHERE organization_id = ${organizationId} AND module_key = ${moduleKey} AND feature_key = ${feature}
             AND occurred_at >= ${first}::timestamp AT TIME ZONE ${timeZone} - interval '2 days'
             AND occurred_at < ${last}::timestamp AT TIME ZONE ${timeZone} + interval '3 days'
           GROUP BY 1) AS uses ON used_on = day
       ORDER BY day`);
    return rows.map(({ day, used }) => ({ day, used: Number(used) }));
  }

  /**
   * Use for billing as CSV (RFC 4180 with a header line), in pieces of at most 500 lines. A counter belongs to the
   * export in which its period starts: of exports that follow each other each has a counter once.
   * @param range half-open; of one organization, or of all of them
   * @throws PublicError 400 `invalid_range`
   */
  async *exportCsv(range: {
    readonly from: Date;
    readonly to: Date;
    readonly organizationId?: string;
  }): AsyncGenerator<string, void, undefined> {
    if (!(range.from < range.to)) throw invalidRange('The end of an export lies after its start.');
    yield csvLine(EXPORT_COLUMNS);
    let after: CounterRow | undefined;
    do {
      const rows = await this.exportPage(range, after);
      if (rows.length > 0) yield rows.map(exportLine).join('');
      after = rows.length === PAGE ? rows.at(-1) : undefined;
    } while (after);
  }

  private async exportPage(
    { from, to, organizationId = null }: { from: Date; to: Date; organizationId?: string | null },
    after: CounterRow | undefined,
  ): Promise<CounterRow[]> {
    return this.database.query<CounterRow>(sql`
      SELECT organization_id, organizations.key AS organization_key, module_key, license_id, feature_key,
             period_starts_at, period_ends_at, used
        FROM usage_counters JOIN licenses ON licenses.id = license_id
        JOIN organizations ON organizations.id = organization_id
       WHERE period_starts_at >= ${from} AND period_starts_at < ${to}
         AND (${organizationId}::uuid IS NULL OR organization_id = ${organizationId})
         AND (license_id, feature_key, period_starts_at) >
             (${after?.license_id ?? NO_UUID}::uuid, ${after?.feature_key ?? ''}::text,
              ${after?.period_starts_at ?? from}::timestamptz)
       ORDER BY license_id, feature_key, period_starts_at
       LIMIT ${PAGE}`);
  }
}

const EXPORT_COLUMNS = [
  ...['organization_id', 'organization', 'module', 'license_id', 'feature'],
  ...['period_starts_at', 'period_ends_at', 'used'],
];

function exportLine(row: CounterRow): string {
  return csvLine([
    ...[row.organization_id, row.organization_key, row.module_key, row.license_id, row.feature_key],
    ...[row.period_starts_at.toISOString(), row.period_ends_at.toISOString(), row.used],
  ]);
}

function periodOf(row: CounterRow): UsedPeriod {
  return {
    licenseId: row.license_id,
    module: row.module_key,
    feature: row.feature_key,
    periodStartsAt: row.period_starts_at,
    periodEndsAt: row.period_ends_at,
    used: Number(row.used),
  };
}
