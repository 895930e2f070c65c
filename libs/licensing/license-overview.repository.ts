import { Injectable } from '@nestjs/common';
import type { LicenseStatus, SeatModel } from '@core-auth/module-kit/licensing';
import { cursorOf, Database, placeOf, sql, type Place } from '#platform';
import { pageOf, type Page } from './page.js';
import { seatsInUse, type SeatWay } from './seats/seat.js';
import { unknownLicense } from './license-writing.repository.js';

/** A license with the names that people know it by, and with what it gives at this moment. */
export interface LicenseOverview {
  readonly id: string;
  readonly organizationId: string;
  readonly organizationName: string;
  readonly moduleKey: string;
  readonly moduleName: string;
  readonly environment: string;
  readonly planName: string;
  readonly planVersion: number;
  readonly status: LicenseStatus;
  readonly startsAt: Date;
  /** Exclusive; null has no end. */
  readonly endsAt: Date | null;
  readonly graceDays: number;
  readonly timeZone: string;
  readonly trial: boolean;
  readonly seatModel: SeatModel;
  /** Null exactly when seats are unlimited. */
  readonly seatLimit: number | null;
  readonly seatsInUse: number;
  /** Those among them that are away with license files. */
  readonly seatsAway: number;
}

export interface OverviewFilter {
  /** Those of this organization alone; null is every organization. */
  readonly organizationId: string | null;
  /** A part of the organization's name. */
  readonly search?: string;
  /** Issued ones whose end lies between these instants. */
  readonly ending?: { readonly from: Date; readonly to: Date };
  /** As the page before told it. */
  readonly after?: string;
  /** 1 to 100. */
  readonly limit: number;
}

/** Somebody of the organization, with the seat that they hold. */
export interface SeatHolder {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly assignedAt: Date;
  readonly way: SeatWay;
}

interface OverviewRow extends Omit<LicenseOverview, 'seatsInUse' | 'seatsAway'> {
  active: number;
  reserved: number;
  leased: number;
  offline: number;
}

const NO_UUID = '00000000-0000-0000-0000-000000000000';
const MOST_PEOPLE = 500;

/** Licenses as an overview shows them, for who administers them. */
@Injectable()
export class LicenseOverviewRepository {
  constructor(private readonly database: Database) {}

  /** By the organization's name; where an end is asked for, what ends first comes first. */
  async list({ after, limit, ...filter }: OverviewFilter): Promise<Page<LicenseOverview>> {
    const last = after === undefined ? undefined : placeOf(after);
    const rows = await this.read({ ...filter, last, limit: limit + 1 });
    // within one organization by id alone: it may get another name between two pages
    const keyOf = (name: string) => (filter.organizationId === null ? name : '');
    return pageOf(rows, limit, ({ organizationName, id }) => cursorOf({ key: keyOf(organizationName), id }));
  }

  /**
   * @param organizationId whose it has to be, when it matters
   * @throws PublicError 404 `unknown_license`
   */
  async find(licenseId: string, organizationId: string | null): Promise<LicenseOverview> {
    const [found] = await this.read({ licenseId, organizationId, limit: 1 });
    if (!found) throw unknownLicense();
    return found;
  }

  /** Who holds a named seat of a license, by user id, after `after`. */
  async seatHolders(licenseId: string, after: string | null, limit: number): Promise<Page<SeatHolder>> {
    const rows = await this.database.query<SeatHolder>(sql`
      SELECT user_id AS "userId", name, email, assigned_at AS "assignedAt", way
        FROM seat_assignments JOIN users ON users.id = user_id
       WHERE license_id = ${licenseId} AND released_at IS NULL AND user_id > ${after ?? NO_UUID}::uuid
       ORDER BY user_id LIMIT ${limit + 1}`);
    return pageOf(rows, limit, ({ userId }) => userId);
  }

  /** How many hold a named seat of a license. */
  async namedSeatsInUse(licenseId: string): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(sql`
      SELECT count(*)::int FROM seat_assignments WHERE license_id = ${licenseId} AND released_at IS NULL`);
    return row?.count ?? 0;
  }

  /** Members of the license's organization who hold no named seat of it, by name: the first 500. */
  async seatCandidates(licenseId: string): Promise<Pick<SeatHolder, 'userId' | 'name' | 'email'>[]> {
    return this.database.query(sql`
      SELECT user_id AS "userId", name, email
        FROM licenses JOIN memberships USING (organization_id) JOIN users ON users.id = user_id
       WHERE licenses.id = ${licenseId} AND disabled_at IS NULL
         AND NOT EXISTS (SELECT FROM seat_assignments AS seat
                          WHERE license_id = licenses.id AND seat.user_id = users.id AND released_at IS NULL)
       ORDER BY name, email LIMIT ${MOST_PEOPLE}`);
  }

  private async read(filter: {
    licenseId?: string;
    organizationId?: string | null;
    search?: string | undefined;
    ending?: { from: Date; to: Date } | undefined;
    last?: Place | undefined;
    limit: number;
  }): Promise<LicenseOverview[]> {
    const { licenseId = null, organizationId = null, search = null, ending, last, limit } = filter;
    const rows = await this.database.query<OverviewRow>(sql`
      SELECT licenses.id, organization_id AS "organizationId", organizations.name AS "organizationName",
             licenses.module_key AS "moduleKey", modules.name AS "moduleName", licenses.environment,
             plan_versions.name AS "planName", plan_versions.version AS "planVersion", status,
             starts_at AS "startsAt", ends_at AS "endsAt", grace_days AS "graceDays", time_zone AS "timeZone", trial,
             seat_model AS "seatModel", seat_limit AS "seatLimit",
             (SELECT count(*)::int FROM seat_assignments
               WHERE license_id = licenses.id AND released_at IS NULL) AS active,
             (SELECT count(*)::int FROM seat_reservations
               WHERE license_id = licenses.id AND expires_at > now()) AS reserved,
             (SELECT count(*)::int FROM seat_leases
               WHERE license_id = licenses.id AND expires_at > now()) AS leased,
             (SELECT coalesce(sum(seat_block), 0)::int FROM offline_grants
               WHERE license_id = licenses.id AND returned_at IS NULL AND expires_at > now()) AS offline
        FROM licenses
        JOIN organizations ON organizations.id = organization_id
        JOIN modules ON modules.key = licenses.module_key
        CROSS JOIN LATERAL (
          SELECT plan_version_id, seat_model, seat_limit FROM license_terms
           WHERE license_id = licenses.id AND effective_at <= greatest(now(), starts_at)
           ORDER BY effective_at DESC LIMIT 1) AS terms
        JOIN plan_versions ON plan_versions.id = plan_version_id
       WHERE licenses.id = COALESCE(${licenseId}::uuid, licenses.id)
         AND organization_id = COALESCE(${organizationId}::uuid, organization_id)
         AND (${search}::text IS NULL OR strpos(lower(organizations.name), lower(${search})) > 0)
         AND (${ending?.from ?? null}::timestamptz IS NULL
              OR status = 'issued' AND ends_at >= ${ending?.from ?? null} AND ends_at < ${ending?.to ?? null})
         AND (CASE WHEN ${organizationId}::uuid IS NULL THEN organizations.name ELSE '' END, licenses.id) >
             (${last?.key ?? ''}::text, ${last?.id ?? NO_UUID}::uuid)
       ORDER BY CASE WHEN ${ending !== undefined}::boolean THEN ends_at END, organizations.name, licenses.id
       LIMIT ${limit}`);
    return rows.map(({ active, reserved, leased, offline, ...license }) => ({
      ...license,
      seatsInUse: seatsInUse(license.seatModel, { active, reserved, leased, offline, cooling: 0 }),
      seatsAway: offline,
    }));
  }
}
