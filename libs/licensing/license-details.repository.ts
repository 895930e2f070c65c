import { Injectable } from '@nestjs/common';
import { Database, sql } from '#platform';
import type { LicenseDetails } from './license.js';
import { unknownLicense } from './license-writing.repository.js';

/** A license with the organization that it is of; who sits on it is no part of it, nor of its version. */
export interface SoldLicense extends Omit<LicenseDetails, 'seats'> {
  readonly organizationId: string;
}

export interface ListedLicense extends SoldLicense {
  readonly namedSeatsInUse: number;
}

interface Row {
  readonly owner: string;
  readonly details: Omit<LicenseDetails, 'seats'>;
  readonly seats: number | null;
}

/** Licenses as they are sold, drafts and ended ones among them, for who administers them. */
@Injectable()
export class LicenseDetailsRepository {
  constructor(private readonly database: Database) {}

  /**
   * @param organizationId for whom it is read, when it matters: they see no draft and nobody else's
   * @throws PublicError 404 `unknown_license`
   */
  async find(licenseId: string, organizationId: string | null = null): Promise<SoldLicense> {
    const [found] = await this.read([licenseId], { organizationId, counted: false });
    if (!found) throw unknownLicense();
    return { ...found.details, organizationId: found.owner };
  }

  /** Of these ids, 100 at most, those that there are, by id. */
  async list(ids: readonly string[], organizationId: string | null): Promise<ListedLicense[]> {
    const read = await this.read(ids, { organizationId, counted: true });
    return read.map(({ owner, details, seats }) => ({
      ...details,
      organizationId: owner,
      namedSeatsInUse: seats ?? 0,
    }));
  }

  private async read(
    ids: readonly string[],
    { organizationId, counted }: { organizationId: string | null; counted: boolean },
  ): Promise<Row[]> {
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
            ORDER BY feature_key COLLATE "C", o.starts_at), '[]')
            FROM license_overrides AS o WHERE license_id = licenses.id)) AS details,
        organization_id AS owner,
        CASE WHEN ${counted}::boolean THEN (
          SELECT count(*)::int FROM seat_assignments
           WHERE license_id = licenses.id AND released_at IS NULL) END AS seats
        FROM licenses
       WHERE id = ANY(${ids}::uuid[])
         AND organization_id = COALESCE(${organizationId}::uuid, organization_id)
         AND (${organizationId}::uuid IS NULL OR status <> 'draft')
       ORDER BY id`);
  }
}
