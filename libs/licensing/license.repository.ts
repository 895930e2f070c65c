import { Injectable } from '@nestjs/common';
import {
  parseLicenseSnapshot,
  type FeatureDefinition,
  type LicenseSnapshot,
  type LicenseStatus,
} from '@core-auth/module-kit/licensing';
import { Database, PublicError, randomUUID, sql } from '#platform';
import { featureProblem } from './catalog.js';
import {
  licenseProblem,
  transitionProblem,
  type LicenseChange,
  type NewLicense,
  type NewOverride,
} from './license.js';

/**
 * What was bought. Each change raises the organization's version and writes one audit row and one outbox row, all in
 * one statement. Row locks are always taken license first, organization second.
 */
@Injectable()
export class LicenseRepository {
  constructor(private readonly database: Database) {}

  /**
   * @param actor who does it: a user id, a client id, or a word for the process (`seed`)
   * @throws PublicError 400 `invalid_license`; 404 `unknown_plan_or_organization` when the organization or that plan
   * version of the module does not exist
   */
  issue(license: NewLicense, actor: string): Promise<LicenseChange> {
    return this.insert(license, 'issued', actor);
  }

  /** As `issue`, but it gives nothing until its status is changed to `issued`. */
  draft(license: NewLicense, actor: string): Promise<LicenseChange> {
    return this.insert(license, 'draft', actor);
  }

  private async insert(
    license: NewLicense,
    status: 'draft' | 'issued',
    actor: string,
  ): Promise<LicenseChange> {
    const problem = licenseProblem(license);
    if (problem) throw new PublicError(400, 'invalid_license', problem);
    const { id = randomUUID(), organizationId, moduleKey, planVersionId, environment = null } = license;
    const { startsAt, endsAt, graceDays, seatModel, seatLimit, trial } = license;
    const [changed] = await this.database.query<{ version: string }>(sql`
      WITH changed AS (
        INSERT INTO licenses (id, organization_id, module_key, environment, plan_version_id, status, starts_at,
                              ends_at, grace_days, seat_model, seat_limit, trial)
        SELECT ${id}, organizations.id, modules.key, COALESCE(${environment}, environment), plan_versions.id,
               ${status}, ${startsAt}, ${endsAt}, ${graceDays}, ${seatModel}, ${seatLimit}, ${trial}
          FROM organizations, plan_versions JOIN modules ON modules.key = module_key
         WHERE organizations.id = ${organizationId}
           AND plan_versions.id = ${planVersionId} AND module_key = ${moduleKey}
        RETURNING id, organization_id
      ), raised AS (
        UPDATE organizations SET license_version = license_version + 1 FROM changed
         WHERE organizations.id = changed.organization_id
        RETURNING license_version
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'license-changed', organization_id, organization_id FROM changed
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id, detail)
        SELECT 'license.' || CASE ${status}::text WHEN 'draft' THEN 'draft' ELSE 'issue' END, ${actor}, id,
               organization_id, jsonb_build_object('module', ${moduleKey}::text, 'plan_version', ${planVersionId}::text)
          FROM changed
      )
      SELECT license_version AS version FROM raised`);
    if (!changed) {
      throw new PublicError(
        404,
        'unknown_plan_or_organization',
        'There is no such organization, or no such plan version of this module.',
      );
    }
    return { licenseId: id, version: Number(changed.version) };
  }

  /**
   * Draft to issued; issued to suspended and back; issued or suspended to cancelled or revoked, which absorb.
   * @throws PublicError 404 `unknown_license`; 409 `status_transition_refused`, decided by the UPDATE
   */
  async changeStatus(licenseId: string, to: LicenseStatus, actor: string): Promise<LicenseChange> {
    const [changed] = await this.database.query<{ version: string }>(sql`
      WITH changed AS (
        UPDATE licenses SET status = ${to}, version = version + 1
         WHERE id = ${licenseId}
           AND (status, ${to}::text) IN (('draft', 'issued'), ('issued', 'suspended'), ('suspended', 'issued'),
                                         ('issued', 'cancelled'), ('suspended', 'cancelled'),
                                         ('issued', 'revoked'), ('suspended', 'revoked'))
        RETURNING id, organization_id
      ), raised AS (
        UPDATE organizations SET license_version = license_version + 1 FROM changed
         WHERE organizations.id = changed.organization_id
        RETURNING license_version
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'license-changed', organization_id, organization_id FROM changed
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id, detail)
        SELECT 'license.change-status', ${actor}, id, organization_id, jsonb_build_object('status', ${to}::text)
          FROM changed
      )
      SELECT license_version AS version FROM raised`);
    if (!changed) throw await this.refusedTransition(licenseId, to);
    return { licenseId, version: Number(changed.version) };
  }

  private async refusedTransition(licenseId: string, to: LicenseStatus): Promise<PublicError> {
    const [license] = await this.database.query<{ status: LicenseStatus }>(sql`
      SELECT status FROM licenses WHERE id = ${licenseId}`);
    if (!license) return unknownLicense();
    return new PublicError(409, 'status_transition_refused', transitionProblem(license.status, to));
  }

  /**
   * Sets, or replaces, a license's override of one feature.
   * @throws PublicError 400 `invalid_override`; 404 `unknown_license`
   */
  async setOverride(override: NewOverride, actor: string): Promise<LicenseChange> {
    const { licenseId, feature, value, startsAt, endsAt } = override;
    await this.requireSoundOverride(override);
    const removed = value === 'REMOVED';
    const [changed] = await this.database.query<{ version: string }>(sql`
      WITH changed AS (
        UPDATE licenses SET version = version + 1 WHERE id = ${licenseId}
        RETURNING id, organization_id
      ), overridden AS (
        INSERT INTO license_overrides (license_id, feature_key, removed, value, starts_at, ends_at)
        SELECT id, ${feature}, ${removed}, ${removed ? null : JSON.stringify(value)}::jsonb, ${startsAt}, ${endsAt}
          FROM changed
        ON CONFLICT (license_id, feature_key) DO UPDATE
           SET removed = excluded.removed, value = excluded.value,
               starts_at = excluded.starts_at, ends_at = excluded.ends_at
      ), raised AS (
        UPDATE organizations SET license_version = license_version + 1 FROM changed
         WHERE organizations.id = changed.organization_id
        RETURNING license_version
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'license-changed', organization_id, organization_id FROM changed
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id, detail)
        SELECT 'license.override', ${actor}, id, organization_id,
               jsonb_build_object('feature', ${feature}::text, 'value', ${JSON.stringify(value)}::jsonb)
          FROM changed
      )
      SELECT license_version AS version FROM raised`);
    if (!changed) throw unknownLicense();
    return { licenseId, version: Number(changed.version) };
  }

  private async requireSoundOverride({
    licenseId,
    feature,
    value,
    startsAt,
    endsAt,
  }: NewOverride): Promise<void> {
    if (endsAt && endsAt <= startsAt) throw invalidOverride('An override ends after it starts.');
    const definitions = await this.database.query<FeatureDefinition>(sql`
      SELECT features.key, type, combine
        FROM licenses JOIN features USING (module_key)
       WHERE licenses.id = ${licenseId} AND features.key = ${feature} AND type IN ('boolean', 'limit')`);
    if (value === 'REMOVED' && definitions.length > 0) return;
    const problem = featureProblem(feature, value === 'REMOVED' ? null : value, definitions);
    if (problem) throw invalidOverride(problem);
  }

  /**
   * Everything that decisions about an organization depend on, as of one instant, in one statement; drafts are left
   * out. Undefined when there is no such organization.
   */
  async snapshot(organizationId: string): Promise<LicenseSnapshot | undefined> {
    const [row] = await this.database.query<{ snapshot: unknown }>(sql`
      SELECT jsonb_build_object(
        'organization', jsonb_build_object('id', organizations.id, 'key', organizations.key,
          'state', CASE WHEN suspended_at IS NULL THEN 'active' ELSE 'suspended' END),
        'version', license_version,
        'modules', COALESCE((
          SELECT jsonb_agg(jsonb_build_object('key', modules.key, 'name', modules.name,
            'environment', environment, 'baseUrl', base_url,
            'features', COALESCE((
              SELECT jsonb_agg(jsonb_build_object('key', features.key, 'type', type, 'combine', combine)
                               ORDER BY features.key)
                FROM features WHERE module_key = modules.key AND type IN ('boolean', 'limit')), '[]'))
            ORDER BY modules.key)
            FROM modules), '[]'),
        'licenses', COALESCE((
          SELECT jsonb_agg(jsonb_build_object('id', licenses.id, 'module', licenses.module_key,
            'environment', licenses.environment, 'status', status,
            'startsAt', to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'endsAt', to_char(ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'graceDays', grace_days, 'seatModel', seat_model, 'seatLimit', seat_limit, 'trial', trial,
            'overAllocated', COALESCE(jsonb_array_length(seats) > seat_limit, false),
            'features', plan_versions.features, 'overrides', overrides, 'seats', seats) ORDER BY licenses.id)
            FROM licenses JOIN plan_versions ON plan_versions.id = plan_version_id
            CROSS JOIN LATERAL (
              SELECT COALESCE(jsonb_agg(user_id ORDER BY user_id), '[]') AS seats
                FROM seat_assignments WHERE license_id = licenses.id AND released_at IS NULL) AS seated
            CROSS JOIN LATERAL (
              SELECT COALESCE(jsonb_agg(jsonb_build_object('feature', feature_key, 'removed', removed, 'value', value,
                'startsAt', to_char(o.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'endsAt', to_char(o.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                ORDER BY feature_key), '[]') AS overrides
                FROM license_overrides AS o WHERE license_id = licenses.id) AS overridden
           WHERE organization_id = organizations.id AND status <> 'draft'), '[]')
      ) AS snapshot
        FROM organizations WHERE organizations.id = ${organizationId}`);
    return row && parseLicenseSnapshot(row.snapshot);
  }
}

function unknownLicense(): PublicError {
  return new PublicError(404, 'unknown_license', 'There is no such license.');
}

function invalidOverride(problem: string): PublicError {
  return new PublicError(400, 'invalid_override', problem);
}
