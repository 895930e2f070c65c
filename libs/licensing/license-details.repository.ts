import { Injectable } from '@nestjs/common';
import { Database, sql } from '#platform';
import type { LicenseDetails } from './license.js';
import { unknownLicense } from './license-writing.repository.js';

/** A license with the organization that it is of. */
export interface OwnedLicense extends LicenseDetails {
  readonly organizationId: string;
}

interface Row {
  readonly owner: string;
  readonly details: LicenseDetails;
}

/** Licenses as they are sold, drafts and ended ones among them, for who administers them. */
@Injectable()
export class LicenseDetailsRepository {
  constructor(private readonly database: Database) {}

  /**
   * @param organizationId whose it has to be, when it matters
   * @throws PublicError 404 `unknown_license`
   */
  async find(licenseId: string, organizationId: string | null = null): Promise<LicenseDetails> {
    const [found] = await this.read([licenseId], organizationId);
    if (!found) throw unknownLicense();
    return found.details;
  }

  /** Those of an organization, by id: up to 100 after `after`. */
  async ofOrganization(organizationId: string, after: string | null = null): Promise<LicenseDetails[]> {
    const rows = await this.database.query<{ id: string }>(sql`
      SELECT id FROM licenses
       WHERE organization_id = ${organizationId}
         AND id > COALESCE(${after}::uuid, '00000000-0000-0000-0000-000000000000')
       ORDER BY id LIMIT 100`);
    const read = await this.read(
      rows.map(({ id }) => id),
      organizationId,
    );
    return read.map(({ details }) => details);
  }

  /** As `find`, with whose it is. */
  async findOwned(licenseId: string, organizationId: string | null): Promise<OwnedLicense> {
    const [found] = await this.allOwned([licenseId], organizationId);
    if (!found) throw unknownLicense();
    return found;
  }

  /** Of these ids, 100 at most, those that there are, by id. */
  async allOwned(ids: readonly string[], organizationId: string | null): Promise<OwnedLicense[]> {
    const read = await this.read(ids, organizationId);
    return read.map(({ owner, details }) => ({ ...details, organizationId: owner }));
  }

  private async read(ids: readonly string[], organizationId: string | null): Promise<Row[]> {
    return this.database.query<Row>(sql`
      SELECT jsonb_build_object('id', licenses.id, 'module', module_key, 'environment', environment,
        'status', status, 'version', version,
        'startsAt', to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'endsAt', to_char(ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'lastDay', last_day, 'timeZone', time_zone, 'graceDays', grace_days, 'trial', trial, 'overage', overage,
        'seatOnFirstUse', seat_on_first_use, 'seatCooldownSeconds', seat_cooldown_seconds,
        'leaseSeconds', lease_seconds,
        'terms', (
          SELECT jsonb_agg(jsonb_build_object(
            'effectiveAt', to_char(effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'planVersionId', plan_version_id, 'seatModel', seat_model, 'seatLimit', seat_limit,
            'surplusUntil', to_char(surplus_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
            ORDER BY effective_at)
            FROM license_terms WHERE license_id = licenses.id),
        'overrides', (
          SELECT COALESCE(jsonb_agg(jsonb_build_object(
            'feature', feature_key, 'removed', removed, 'value', value,
            'startsAt', to_char(o.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'endsAt', to_char(o.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
            ORDER BY feature_key COLLATE "C"), '[]')
            FROM license_overrides AS o WHERE license_id = licenses.id),
        'seats', (
          SELECT COALESCE(jsonb_agg(user_id ORDER BY user_id), '[]')
            FROM seat_assignments WHERE license_id = licenses.id AND released_at IS NULL)) AS details,
        organization_id AS owner
        FROM licenses
       WHERE id = ANY(${ids}::uuid[])
         AND organization_id = COALESCE(${organizationId}::uuid, organization_id)
       ORDER BY id`);
  }
}
