import { Injectable } from '@nestjs/common';
import { Database, sql } from '#platform';
import { pageOf, type Page } from './license-list.repository.js';

/** What a license has counted of a feature in a period, as it is billed. */
export interface BilledUse {
  readonly organizationId: string;
  readonly module: string;
  readonly licenseId: string;
  readonly feature: string;
  /** Half-open. */
  readonly periodStartsAt: Date;
  readonly periodEndsAt: Date;
  readonly used: number;
  /** Of that, what was beyond the limit; null when single uses of that time are kept no longer. */
  readonly overage: number | null;
}

export interface UsageFilter {
  /** Half-open: a counter belongs where its period starts, so that exports that follow each other have it once. */
  readonly from: Date;
  readonly to: Date;
  readonly organizationId: string | null;
  readonly licenseId: string | null;
  readonly module: string | null;
  readonly feature: string | null;
}

/** The last line of a page. */
export interface UsageCursor {
  readonly licenseId: string;
  readonly feature: string;
  readonly periodStartsAt: Date;
}

const FIRST = '00000000-0000-0000-0000-000000000000';

/** Use for billing, with what of it was overage. */
@Injectable()
export class UsageExportRepository {
  constructor(private readonly database: Database) {}

  /** By license, feature and period. Each use wrote down what it was beyond the limit at its time. */
  async page(filter: UsageFilter, after: UsageCursor | undefined, limit: number): Promise<Page<BilledUse>> {
    const { from, to, organizationId, licenseId, module, feature } = filter;
    const rows = await this.database.query<
      Omit<BilledUse, 'used' | 'overage'> & { used: string; overage: string | null }
    >(sql`
      SELECT organization_id AS "organizationId", module_key AS module, license_id AS "licenseId",
             feature_key AS feature, period_starts_at AS "periodStartsAt", period_ends_at AS "periodEndsAt", used,
             CASE WHEN period_starts_at > now() - interval '400 days' THEN (
               SELECT COALESCE(sum((share->>'overage')::bigint), 0)
                 FROM usage_events AS used_once, jsonb_array_elements(shares) AS share
                WHERE used_once.organization_id = licenses.organization_id
                  AND used_once.module_key = licenses.module_key
                  AND used_once.feature_key = usage_counters.feature_key
                  AND share->>'license' = license_id::text
                  AND (share->>'periodStartsAt')::timestamptz = period_starts_at) END AS overage
        FROM usage_counters JOIN licenses ON licenses.id = license_id
       WHERE period_starts_at >= ${from} AND period_starts_at < ${to}
         AND (${organizationId}::uuid IS NULL OR organization_id = ${organizationId})
         AND (${licenseId}::uuid IS NULL OR license_id = ${licenseId})
         AND (${module}::text IS NULL OR module_key = ${module})
         AND (${feature}::text IS NULL OR feature_key = ${feature})
         AND (license_id, feature_key, period_starts_at) >
             (${after?.licenseId ?? FIRST}::uuid, ${after?.feature ?? ''}::text,
              ${after?.periodStartsAt ?? from}::timestamptz)
       ORDER BY license_id, feature_key, period_starts_at
       LIMIT ${limit + 1}`);
    const uses = rows.map((row) => ({
      ...row,
      used: Number(row.used),
      overage: row.overage === null ? null : Number(row.overage),
    }));
    return pageOf(uses, limit, ({ licenseId: license, feature: key, periodStartsAt }) =>
      [license, key, periodStartsAt.getTime()].join('_'),
    );
  }
}
