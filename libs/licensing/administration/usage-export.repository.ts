import { Injectable } from '@nestjs/common';
import { Database, sql } from '#platform';
import { pageOf, type Page } from '../page.js';

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
  /** Of that, what was beyond the limit; null of a time from which nothing is known about that. */
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
    const last = { licenseId: after?.licenseId ?? FIRST, feature: after?.feature ?? '' };
    const lastStart = after?.periodStartsAt ?? from;
    // each half reads its own key from there on, and no more than a page
    const rows = await this.database.query<
      Omit<BilledUse, 'used' | 'overage'> & { used: string; overage: string | null }
    >(sql`
      (SELECT organization_id AS "organizationId", module_key AS module, license_id AS "licenseId",
              feature_key AS feature, period_starts_at AS "periodStartsAt", period_ends_at AS "periodEndsAt", used,
              usage_counters.overage
         FROM usage_counters JOIN licenses ON licenses.id = license_id
        WHERE period_starts_at >= ${from} AND period_starts_at < ${to}
          AND (${organizationId}::uuid IS NULL OR organization_id = ${organizationId})
          AND (${licenseId}::uuid IS NULL OR license_id = ${licenseId})
          AND (${module}::text IS NULL OR module_key = ${module})
          AND (${feature}::text IS NULL OR feature_key = ${feature})
          AND (license_id, feature_key, period_starts_at) >
              (${last.licenseId}::uuid, ${last.feature}::text, ${lastStart}::timestamptz)
        ORDER BY license_id, feature_key, period_starts_at LIMIT ${limit + 1})
      UNION ALL
      -- of organizations that are no more
      (SELECT organization_id, module_key, license_id, feature_key, period_starts_at, period_ends_at, used, overage
         FROM removed_usage
        WHERE period_starts_at >= ${from} AND period_starts_at < ${to}
          AND (${organizationId}::uuid IS NULL OR organization_id = ${organizationId})
          AND (${licenseId}::uuid IS NULL OR license_id = ${licenseId})
          AND (${module}::text IS NULL OR module_key = ${module})
          AND (${feature}::text IS NULL OR feature_key = ${feature})
          AND (license_id, feature_key, period_starts_at) >
              (${last.licenseId}::uuid, ${last.feature}::text, ${lastStart}::timestamptz)
        ORDER BY license_id, feature_key, period_starts_at LIMIT ${limit + 1})
      ORDER BY "licenseId", feature, "periodStartsAt" LIMIT ${limit + 1}`);
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
