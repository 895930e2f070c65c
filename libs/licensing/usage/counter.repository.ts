import type { UsagePeriod } from '@core-auth/module-kit/licensing';
import { sql, type Transaction } from '#platform';
import { periodsOf, type PeriodUse } from './period.repository.js';
import { thresholdsCrossed, type Bearer, type Share } from './spread.js';
import type { UsageAnswer, UsageRecord } from './usage.js';

/** A counter whose row is locked. */
export interface Counter extends PeriodUse {
  /** The highest percent of the limit that has been announced. */
  readonly announced: number;
  /** Percents of the limit that are announced. */
  readonly thresholds: readonly number[];
}

/** What one license bears, with its counter as it was before. */
export interface Load extends Counter, Share {
  readonly limit: number | null;
}

interface CounterRow {
  license_id: string;
  used: string;
  announced: number;
  thresholds: number[];
}

/**
 * By license; those that are missing begin at 0. Locked in id order, so that two uses never wait for each other in a
 * circle. The lock is there for what one statement cannot say: how a use is spread over several licenses, and which
 * thresholds it reaches, rests on the counters of all of them (`spread`), of which some are made only here. The hard
 * limit does not rest on it: the UPDATE of `bear` decides that.
 */
export async function lockCounters(
  transaction: Transaction,
  bearers: readonly Bearer[],
  period: { readonly feature: string; readonly unit: UsagePeriod; readonly at: Date },
): Promise<Map<string, Counter>> {
  const periods = await periodsOf(transaction, bearers, period);
  const known = [...periods.values()];
  const rows = await transaction.query<CounterRow>(sql`
    INSERT INTO usage_counters AS counter (license_id, feature_key, period_starts_at, period_ends_at, used)
    SELECT license_id, ${period.feature}, starts_at, ends_at, 0
      FROM unnest(${known.map(({ licenseId }) => licenseId)}::uuid[],
                  ${known.map(({ startsAt }) => startsAt)}::timestamptz[],
                  ${known.map(({ endsAt }) => endsAt)}::timestamptz[]) AS period (license_id, starts_at, ends_at)
     ORDER BY license_id
    ON CONFLICT (license_id, feature_key, period_starts_at) DO UPDATE SET used = counter.used
    RETURNING license_id, used, announced,
              (SELECT thresholds FROM licenses JOIN features USING (module_key)
                WHERE licenses.id = license_id AND features.key = feature_key) AS thresholds`);
  return new Map(
    rows.flatMap(({ license_id, used, announced, thresholds }) => {
      const found = periods.get(license_id);
      return found ? [[license_id, { ...found, used: Number(used), announced, thresholds }] as const] : [];
    }),
  );
}

/**
 * Counts a use, announces the thresholds that it reaches, and completes its record, in one statement. A license that is
 * not to be billed for more counts only up to its limit.
 *
 * @param version of the licenses that the loads rest on
 * @returns false when a license changed meanwhile: then what was counted has to be undone
 */
export async function bear(
  transaction: Transaction,
  use: {
    readonly record: UsageRecord;
    readonly answer: UsageAnswer;
    readonly loads: readonly Load[];
    readonly version: number;
  },
): Promise<boolean> {
  const { record, answer, loads, version } = use;
  const { organizationId, module, feature, idempotencyKey, clientId } = record;
  const announcements = loads.map((load) => announcementOf(load, record));
  const shares = loads.map(({ licenseId: license, amount, overage, startsAt: periodStartsAt }) => ({
    ...{ license, amount, periodStartsAt },
    ...(overage > 0 ? { overage } : {}),
  }));
  const [counted] = await transaction.query<{ loads: number }>(sql`
    WITH load AS (
      SELECT * FROM unnest(${loads.map(({ licenseId }) => licenseId)}::uuid[],
                           ${loads.map(({ startsAt }) => startsAt)}::timestamptz[],
                           ${loads.map(({ amount }) => amount)}::bigint[],
                           ${loads.map(({ overage }) => overage)}::bigint[],
                           ${loads.map(({ limit, overage }) => (overage > 0 ? null : limit))}::bigint[],
                           ${announcements.map((announcement) => announcement?.percent ?? null)}::integer[],
                           ${announcements.map((announcement) => JSON.stringify(announcement ?? null))}::text[],
                           ${announcements.map((announcement) => JSON.stringify(announcement && factsOf(announcement)))}::text[])
                    AS load (license_id, starts_at, amount, overage, most, percent, announcement, facts)
    ), borne AS (
      UPDATE usage_counters AS counter
         SET used = used + load.amount, overage = counter.overage + load.overage, announced = greatest(announced, COALESCE(percent, 0))
        FROM load
       WHERE counter.license_id = load.license_id AND feature_key = ${feature} AND period_starts_at = starts_at
         AND (most IS NULL OR used + load.amount <= most)
         AND (SELECT license_version FROM organizations WHERE id = ${organizationId}) = ${version}
      RETURNING counter.license_id, percent, announcement, facts
    ), told AS (
      INSERT INTO outbox (kind, subject, organization_id, facts)
      SELECT 'usage-threshold-reached', license_id, ${organizationId}, facts::jsonb
        FROM borne WHERE percent IS NOT NULL
    ), audited AS (
      INSERT INTO audit_events (act, actor, target, organization_id, detail)
      SELECT 'usage.reach-threshold', ${clientId}, license_id, ${organizationId}, announcement::jsonb
        FROM borne WHERE percent IS NOT NULL
    ), completed AS (
      UPDATE usage_events SET shares = ${JSON.stringify(shares)}::jsonb, answer = ${JSON.stringify(answer)}::jsonb
       WHERE organization_id = ${organizationId} AND module_key = ${module} AND idempotency_key = ${idempotencyKey}
    )
    SELECT count(*)::integer AS loads FROM borne`);
  return counted?.loads === loads.length;
}

interface ReachedThreshold {
  readonly module: string;
  readonly feature: string;
  readonly percent: number;
  readonly crossed: readonly number[];
  readonly used: number;
  readonly limit: number | null;
  readonly periodStartsAt: Date;
  readonly periodEndsAt: Date;
  readonly idempotencyKey: string;
}

/** The highest threshold that this load reaches, as the audit row tells it; undefined when it reaches none. */
function announcementOf(
  load: Load,
  { module, feature, idempotencyKey }: UsageRecord,
): ReachedThreshold | undefined {
  const used = load.used + load.amount;
  const crossed = thresholdsCrossed(load.thresholds, load.announced, used, load.limit);
  const percent = crossed.at(-1);
  if (percent === undefined) return undefined;
  const { limit, startsAt: periodStartsAt, endsAt: periodEndsAt } = load;
  return { module, feature, percent, crossed, used, limit, periodStartsAt, periodEndsAt, idempotencyKey };
}

/** What the event says. */
function factsOf({ module, feature, percent, used, limit, periodStartsAt, periodEndsAt }: ReachedThreshold) {
  return {
    ...{ module, feature, percent, used, limit },
    ...{ period_starts_at: periodStartsAt, period_ends_at: periodEndsAt },
  };
}
