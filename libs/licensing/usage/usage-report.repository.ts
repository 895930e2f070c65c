import { Injectable } from '@nestjs/common';
import { decide, httpStatusOfDecision } from '@core-auth/module-kit/licensing';
import { Clock, Database, PublicError, sql } from '#platform';
import { LicenseRepository } from '../license.repository.js';
import { periodsOf } from './period.repository.js';
import { bearersOf, spread, total } from './spread.js';
import { requireSoundDays, type DayUse } from './usage-report.js';
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

/** What has been used of metered features, to be looked at and billed. */
@Injectable()
export class UsageReportRepository {
  constructor(
    private readonly database: Database,
    private readonly licenses: LicenseRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Use of the present period, and how a machine would be answered that uses one more.
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
    const decision = decide(snapshot, question, at);
    const bearers = decision.allow ? bearersOf(snapshot, definition, question, at.getTime()) : [];
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
    const code = decision.allow ? spread(bearers, definition.combine, usedBy, 1).code : decision.code;
    return {
      allow: httpStatusOfDecision[code] === 200,
      code,
      ...total(bearers, definition.combine, usedBy),
      periodStartsAt: first?.periodStartsAt ?? null,
      periodEndsAt: first?.periodEndsAt ?? null,
      licenses,
    };
  }

  /**
   * Use of each day of a time zone, days without any as 0, the earliest first.
   * @param days first and last day as `2026-03-29`, at most 400 of them: older use is kept by period alone
   * @param licenseId what this license has borne of it alone; null is all
   * @throws PublicError 400 `invalid_range`
   */
  async series(
    organizationId: string,
    moduleKey: string,
    feature: string,
    days: { readonly first: string; readonly last: string; readonly timeZone: string },
    licenseId: string | null = null,
  ): Promise<DayUse[]> {
    requireSoundDays(days);
    const { first, last, timeZone } = days;
    const rows = await this.database.query<{ day: string; used: string }>(sql`
      SELECT to_char(day, 'YYYY-MM-DD') AS day, COALESCE(used, 0) AS used
        FROM generate_series(${first}::timestamp, ${last}::timestamp, '1 day') AS day
        LEFT JOIN (
          SELECT date_trunc('day', occurred_at AT TIME ZONE ${timeZone}::text) AS used_on, sum(borne) AS used
            FROM usage_events
            CROSS JOIN LATERAL (
              SELECT CASE WHEN ${licenseId}::text IS NULL THEN amount ELSE (
                SELECT sum((share->>'amount')::bigint) FROM jsonb_array_elements(shares) AS share
                 WHERE share->>'license' = ${licenseId}) END AS borne) AS part
           WHERE organization_id = ${organizationId} AND module_key = ${moduleKey} AND feature_key = ${feature}
             AND occurred_at >= ${first}::timestamp AT TIME ZONE ${timeZone} - interval '2 days'
             AND occurred_at < ${last}::timestamp AT TIME ZONE ${timeZone} + interval '3 days'
           GROUP BY 1) AS uses ON used_on = day
       ORDER BY day`);
    return rows.map(({ day, used }) => ({ day, used: Number(used) }));
  }
}
