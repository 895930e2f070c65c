import { parseLicenseSnapshot, type LicenseSnapshot } from '@core-auth/module-kit/licensing';
import { sql, type Transaction } from '#platform';

/**
 * Everything that decisions about an organization depend on, as of one instant, in one statement; drafts are left
 * out. Undefined when there is no such organization.
 * @param reader the database, or the transaction that has the locks under which the answer is to hold
 */
export async function readLicenseSnapshot(
  reader: Transaction,
  organizationId: string,
): Promise<LicenseSnapshot | undefined> {
  const [row] = await reader.query<{ snapshot: unknown }>(sql`
    SELECT jsonb_build_object(
      'organization', jsonb_build_object('id', organizations.id, 'key', organizations.key,
        'state', CASE WHEN suspended_at IS NULL THEN 'active' ELSE 'suspended' END),
      'version', license_version,
      'modules', COALESCE((
        SELECT jsonb_agg(jsonb_build_object('key', modules.key, 'name', modules.name,
          'environment', environment, 'baseUrl', base_url,
          'features', COALESCE((
            SELECT jsonb_agg(jsonb_build_object('key', features.key, 'type', type, 'combine', combine,
                                                'period', period) ORDER BY features.key)
              FROM features WHERE module_key = modules.key), '[]'))
          ORDER BY modules.key)
          FROM modules), '[]'),
      'licenses', COALESCE((
        SELECT jsonb_agg(jsonb_build_object('id', licenses.id, 'module', licenses.module_key,
          'environment', licenses.environment, 'status', status,
          'startsAt', to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
          'endsAt', to_char(ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
          'graceDays', grace_days, 'trial', trial, 'overage', overage, 'timeZone', time_zone,
          'seatOnFirstUse', seat_on_first_use, 'terms', terms, 'overrides', overrides, 'seats', seats)
          || CASE WHEN blocks IS NULL THEN '{}' ELSE jsonb_build_object('offlineBlocks', blocks) END
          ORDER BY licenses.id)
          FROM licenses
          CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_object(
              'effectiveAt', to_char(effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
              'seatModel', seat_model, 'seatLimit', seat_limit,
              'surplusUntil', to_char(surplus_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
              'features', plan_versions.features) ORDER BY effective_at) AS terms
              FROM license_terms JOIN plan_versions ON plan_versions.id = plan_version_id
             WHERE license_id = licenses.id) AS agreed
          CROSS JOIN LATERAL (
            SELECT COALESCE(jsonb_agg(user_id ORDER BY assigned_at, id), '[]') AS seats
              FROM seat_assignments WHERE license_id = licenses.id AND released_at IS NULL) AS seated
          CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_object('seats', seat_block,
              'until', to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
              ORDER BY expires_at, id) AS blocks
              FROM offline_grants
             WHERE license_id = licenses.id AND returned_at IS NULL AND seat_block > 0 AND expires_at > now()) AS away
          CROSS JOIN LATERAL (
            SELECT COALESCE(jsonb_agg(jsonb_build_object('feature', feature_key, 'removed', removed, 'value', value,
              'startsAt', to_char(o.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
              'endsAt', to_char(o.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
              ORDER BY feature_key, o.starts_at), '[]') AS overrides
              FROM license_overrides AS o WHERE license_id = licenses.id) AS overridden
         WHERE organization_id = organizations.id AND status <> 'draft'), '[]')
    ) AS snapshot
      FROM organizations WHERE organizations.id = ${organizationId}`);
  return row && parseLicenseSnapshot(row.snapshot);
}
