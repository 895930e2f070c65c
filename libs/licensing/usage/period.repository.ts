import type { UsagePeriod } from '@core-auth/module-kit/licensing';
import { sql, type Transaction } from '#platform';
import type { Bearer } from './spread.js';

/** What a license counts in the period of an instant. */
export interface PeriodUse {
  readonly licenseId: string;
  /** Half-open. */
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly used: number;
}

interface Row {
  license_id: string;
  starts_at: Date;
  ends_at: Date;
  used: string;
}

/**
 * By license, the period of `at` in the license's time zone, and what its counter says without being locked. The
 * database computes it, for every node then has one table of time zones. A period lies between the two midnights, of
 * the first days of calendar units, that are next to `at`; so periods tile time whatever the clocks of a place do: a
 * midnight that they show twice counts once, a day that they leave out has no period.
 */
export async function periodsOf(
  database: Transaction,
  bearers: readonly Pick<Bearer, 'licenseId' | 'timeZone'>[],
  { feature, unit, at }: { readonly feature: string; readonly unit: UsagePeriod; readonly at: Date },
): Promise<Map<string, PeriodUse>> {
  const rows = await database.query<Row>(sql`
    SELECT bearer.license_id, period.starts_at, period.ends_at, COALESCE(used, 0) AS used
      FROM unnest(${bearers.map(({ licenseId }) => licenseId)}::uuid[],
                  ${bearers.map(({ timeZone }) => timeZone)}::text[]) AS bearer (license_id, time_zone)
      CROSS JOIN LATERAL (
        SELECT max(midnight) FILTER (WHERE midnight <= ${at}::timestamptz) AS starts_at,
               min(midnight) FILTER (WHERE midnight > ${at}::timestamptz) AS ends_at
          FROM (SELECT (date_trunc(${unit}::text, ${at}::timestamptz AT TIME ZONE time_zone)
                        + n * ('1 ' || ${unit}::text)::interval) AT TIME ZONE time_zone AS midnight
                  FROM generate_series(-2, 2) AS n) AS midnights) AS period
      LEFT JOIN usage_counters AS counter
        ON counter.license_id = bearer.license_id AND feature_key = ${feature}
       AND period_starts_at = period.starts_at`);
  return new Map(
    rows.map(({ license_id, starts_at, ends_at, used }) => [
      license_id,
      { licenseId: license_id, startsAt: starts_at, endsAt: ends_at, used: Number(used) },
    ]),
  );
}
