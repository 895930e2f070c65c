import { Injectable } from '@nestjs/common';
import type { FeatureValue, SeatModel } from '@core-auth/module-kit/licensing';
import { Database, sql } from '#platform';
import { unknownLicense } from './license-writing.repository.js';

/** A feature of the license's module, by the plan of now and beside it. */
export interface BoughtFeature {
  readonly key: string;
  readonly type: 'boolean' | 'limit' | 'metered';
  /** Of a metered feature alone. */
  readonly period: 'day' | 'month' | 'year' | null;
  /** Whether the plan has it; then `value` is its value, of which null is unlimited. */
  readonly included: boolean;
  readonly value: FeatureValue;
  /** Those that have not ended, the earliest first. */
  readonly overrides: readonly FeatureOverride[];
}

export interface FeatureOverride {
  readonly removed: boolean;
  readonly value: FeatureValue;
  readonly startsAt: string;
  readonly endsAt: string | null;
}

/** What a license gives from an instant on. */
export interface ComingTerms {
  readonly effectiveAt: string;
  readonly planVersionId: string;
  readonly seatModel: SeatModel;
  readonly seatLimit: number | null;
}

/** What is sold with a license, beside its plan's name and its term. */
export interface BoughtLicense {
  readonly overage: 'refuse' | 'allow';
  readonly seatOnFirstUse: boolean;
  readonly seatCooldownSeconds: number;
  readonly leaseSeconds: number;
  /** Until when those beyond a seat limit that was lowered keep access. */
  readonly surplusUntil: string | null;
  /** By key. */
  readonly features: readonly BoughtFeature[];
  /** The earliest first. */
  readonly coming: readonly ComingTerms[];
}

const INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

/** What a license gives, for people to read. */
@Injectable()
export class LicenseBoughtRepository {
  constructor(private readonly database: Database) {}

  /** @throws PublicError 404 `unknown_license` */
  async find(licenseId: string): Promise<BoughtLicense> {
    const [found] = await this.database.query<BoughtLicense>(sql`
      SELECT overage, seat_on_first_use AS "seatOnFirstUse", seat_cooldown_seconds AS "seatCooldownSeconds",
             lease_seconds AS "leaseSeconds",
             to_char(present.surplus_until AT TIME ZONE 'UTC', ${INSTANT}) AS "surplusUntil",
             (SELECT COALESCE(jsonb_agg(jsonb_build_object(
                       'key', key, 'type', type, 'period', CASE WHEN type = 'metered' THEN period END,
                       'included', plan_versions.features ? key, 'value', plan_versions.features -> key,
                       'overrides', overrides) ORDER BY key COLLATE "C"), '[]')
                FROM features
                CROSS JOIN LATERAL (
                  SELECT COALESCE(jsonb_agg(jsonb_build_object('removed', removed, 'value', value,
                           'startsAt', to_char(o.starts_at AT TIME ZONE 'UTC', ${INSTANT}),
                           'endsAt', to_char(o.ends_at AT TIME ZONE 'UTC', ${INSTANT}))
                           ORDER BY o.starts_at), '[]') AS overrides
                    FROM license_overrides AS o
                   WHERE license_id = licenses.id AND feature_key = key
                     AND (o.ends_at IS NULL OR o.ends_at > now())) AS beside
               WHERE features.module_key = licenses.module_key) AS features,
             (SELECT COALESCE(jsonb_agg(jsonb_build_object(
                       'effectiveAt', to_char(effective_at AT TIME ZONE 'UTC', ${INSTANT}),
                       'planVersionId', plan_version_id, 'seatModel', seat_model, 'seatLimit', seat_limit)
                       ORDER BY effective_at), '[]')
                FROM license_terms
               WHERE license_id = licenses.id AND effective_at > greatest(now(), licenses.starts_at)) AS coming
        FROM licenses
        CROSS JOIN LATERAL (
          SELECT plan_version_id, surplus_until FROM license_terms
           WHERE license_id = licenses.id AND effective_at <= greatest(now(), licenses.starts_at)
           ORDER BY effective_at DESC LIMIT 1) AS present
        JOIN plan_versions ON plan_versions.id = plan_version_id
       WHERE licenses.id = ${licenseId}`);
    if (!found) throw unknownLicense();
    return found;
  }

  /** What plan versions are called, such as `Reports Standard, version 2`, by id. */
  async planNames(planVersionIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.database.query<{ id: string; name: string }>(sql`
      SELECT id, name || ', version ' || version AS name FROM plan_versions WHERE id = ANY(${planVersionIds}::uuid[])`);
    return new Map(rows.map(({ id, name }) => [id, name]));
  }
}
