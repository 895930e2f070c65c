import type { FeatureDefinition, SnapshotOverride } from '@core-auth/module-kit/licensing';
import { PublicError, sql, type Transaction } from '#platform';
import { featureProblem } from './catalog.js';
import { overrideTermProblem, type NewOverride } from './license.js';
import { unknownLicense } from './license-writing.repository.js';

/** Overrides of one feature of a license that have not ended. */
const MOST = 20;

/** @throws PublicError 400 `invalid_override`; 404 `unknown_license` */
export async function requireSoundOverride(transaction: Transaction, override: NewOverride): Promise<void> {
  const { licenseId, feature, value, endsAt } = override;
  const undated = overrideTermProblem(override);
  if (undated) throw invalidOverride(undated);
  const [row] = await transaction.query<{ now: Date } & { [Field in keyof FeatureDefinition]: unknown }>(sql`
    SELECT clock_timestamp() AS now, features.key, type, combine
      FROM licenses LEFT JOIN features ON features.module_key = licenses.module_key AND features.key = ${feature}
     WHERE licenses.id = ${licenseId}`);
  if (!row) throw unknownLicense();
  if (endsAt && endsAt <= row.now) {
    throw invalidOverride('An override ends after now: this end has passed.');
  }
  const { key, type, combine } = row as unknown as FeatureDefinition & { key: string | null };
  const definitions = key === null ? [] : [{ key, type, combine }];
  if (value === 'REMOVED' && definitions.length > 0) return;
  const problem = featureProblem(feature, value === 'REMOVED' ? null : value, definitions);
  if (problem) throw invalidOverride(problem);
}

/**
 * Writes an override of a license that was claimed among the others of its feature, those that have ended left out.
 * One with the same start is replaced; one that began before gives way from the new one's start on, which lasts at
 * least as long; nothing else is taken away.
 * @throws PublicError 409 `override_overlaps`, `too_many_overrides`
 */
export async function placeOverride(transaction: Transaction, override: NewOverride): Promise<void> {
  const { licenseId, feature, startsAt, endsAt } = override;
  const removed = override.value === 'REMOVED';
  const value = removed ? null : JSON.stringify(override.value);
  const placed = await transaction.query(sql`
    WITH moment AS (
      SELECT now, greatest(${startsAt}::timestamptz, now) AS begins
        FROM date_trunc('milliseconds', clock_timestamp()) AS now
    ), others AS (
      SELECT starts_at, COALESCE(ends_at, 'infinity') AS ends_at FROM license_overrides
       WHERE license_id = ${licenseId} AND feature_key = ${feature} AND starts_at <> ${startsAt}
    ), fits AS (
      SELECT now, begins FROM moment
       WHERE NOT EXISTS (
               SELECT FROM others
                WHERE ends_at > begins AND starts_at < COALESCE(${endsAt}::timestamptz, 'infinity')
                  AND (starts_at > begins OR ends_at > COALESCE(${endsAt}::timestamptz, 'infinity')))
         AND (SELECT count(*) FROM others WHERE ends_at > now) < ${MOST}
    ), over AS (
      DELETE FROM license_overrides USING fits
       WHERE license_id = ${licenseId} AND feature_key = ${feature} AND starts_at <> ${startsAt}
         AND (ends_at <= now OR (begins = now AND starts_at <= now))
    ), cut AS (
      UPDATE license_overrides SET ends_at = begins FROM fits
       WHERE license_id = ${licenseId} AND feature_key = ${feature} AND begins > now
         AND starts_at < begins AND (ends_at IS NULL OR ends_at > begins)
    )
    INSERT INTO license_overrides (license_id, feature_key, removed, value, starts_at, ends_at)
    SELECT ${licenseId}, ${feature}, ${removed}, ${value}::jsonb, ${startsAt}, ${endsAt} FROM fits
    ON CONFLICT (license_id, feature_key, starts_at) DO UPDATE
       SET removed = excluded.removed, value = excluded.value, ends_at = excluded.ends_at
    RETURNING 1`);
  if (placed.length === 0) throw await misplaced(transaction, override);
}

async function misplaced(transaction: Transaction, override: NewOverride): Promise<PublicError> {
  const { licenseId, feature, startsAt, endsAt } = override;
  const [other] = await transaction.query<{ starts_at: Date; ends_at: Date | null }>(sql`
    SELECT starts_at, ends_at FROM license_overrides
     WHERE license_id = ${licenseId} AND feature_key = ${feature} AND starts_at <> ${startsAt}
       AND tstzrange(starts_at, ends_at) && tstzrange(greatest(${startsAt}, clock_timestamp()), ${endsAt})
     ORDER BY starts_at DESC LIMIT 1`);
  if (!other) {
    return new PublicError(
      409,
      'too_many_overrides',
      `A feature has at most ${MOST} overrides that have not ended: take one away first.`,
    );
  }
  const until = other.ends_at ? `until ${other.ends_at.toISOString()}` : 'without an end';
  return new PublicError(
    409,
    'override_overlaps',
    `Another override of this feature holds from ${other.starts_at.toISOString()} ${until}, and would be lost. ` +
      'Let that one end before this one starts, take it away, or choose times that do not overlap.',
  );
}

/** All of a license's feature, the earliest first, as its audit rows keep them. */
export async function overridesOf(
  transaction: Transaction,
  licenseId: string,
  feature: string,
): Promise<SnapshotOverride[]> {
  const rows = await transaction.query<{
    removed: boolean;
    value: SnapshotOverride['value'];
    starts_at: Date;
    ends_at: Date | null;
  }>(sql`
    SELECT removed, value, starts_at, ends_at FROM license_overrides
     WHERE license_id = ${licenseId} AND feature_key = ${feature} ORDER BY starts_at`);
  return rows.map(({ removed, value, starts_at: startsAt, ends_at: endsAt }) => ({
    ...{ feature, removed, value },
    ...{ startsAt: startsAt.toISOString(), endsAt: endsAt?.toISOString() ?? null },
  }));
}

export function invalidOverride(problem: string): PublicError {
  return new PublicError(400, 'invalid_override', problem);
}

export function unknownOverride(problem: string): PublicError {
  return new PublicError(404, 'unknown_override', problem);
}
