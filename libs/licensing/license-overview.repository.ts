import { Injectable } from '@nestjs/common';
import type { LicenseStatus, SeatModel } from '@core-auth/module-kit/licensing';
import { Clock, cursorOf, Database, placeOf, sql } from '#platform';
import { pageOf, type Page } from './page.js';
import { PROBES } from './probes.js';
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
  /** Those of this organization alone, for itself, which sees no drafts; null is every customer's, for the seller. */
  readonly organizationId: string | null;
  /** A part of the organization's name. */
  readonly search?: string;
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
  over: boolean;
}

interface ListedLicense {
  readonly license: LicenseOverview;
  /** It gives nothing any more: it has expired, or was cancelled or revoked. */
  readonly over: boolean;
}

const NO_UUID = '00000000-0000-0000-0000-000000000000';
const MOST_PEOPLE = 500;

/** Where a page begins, in the order of its list, which goes on as it was `at` the first page. */
interface Beginning {
  readonly at: Date;
  readonly over: boolean;
  /** Of the organization, as it was then; empty within one organization. */
  readonly name: string;
  readonly id: string;
}

const FIRST: Omit<Beginning, 'at'> = { over: false, name: '', id: NO_UUID };

/** `at` in milliseconds, `over` as 0 or 1, `name`. */
const KEY = /^(\d{1,15}) ([01]) ([^\0]*)$/;

/** Licenses as an overview shows them, for who administers them. */
@Injectable()
export class LicenseOverviewRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * First what gives something or will, then what is over, each by the organization's name. A cursor carries both, and
   * the instant of the first page by which they are told apart: whatever happens between two pages, to other licenses or
   * by time alone, a license that has not changed comes once.
   */
  async list({ after, limit, ...filter }: OverviewFilter): Promise<Page<LicenseOverview>> {
    const begin = after === undefined ? { ...FIRST, at: this.clock.now() } : beginningOf(after);
    const rows = await this.read({ ...filter, begin, limit: limit + 1 });
    const since = begin.at.getTime();
    const { items, next } = pageOf(rows, limit, ({ over, license: { organizationName, id } }) => {
      // within one organization by id alone: it may get another name between two pages
      const name = filter.organizationId === null ? organizationName : '';
      return cursorOf({ key: `${since} ${over ? 1 : 0} ${name}`, id });
    });
    return { items: items.map(({ license }) => license), next };
  }

  /** Issued ones whose end lies between two instants, the first end first. */
  async ending(
    filter: Pick<OverviewFilter, 'organizationId' | 'search'>,
    ending: { readonly from: Date; readonly to: Date },
    limit: number,
  ): Promise<readonly LicenseOverview[]> {
    const found = await this.read({ ...filter, ending, limit });
    return found.map(({ license }) => license);
  }

  /**
   * @param organizationId for whom it is read, when it matters: they see no draft and nobody else's
   * @throws PublicError 404 `unknown_license`
   */
  async find(licenseId: string, organizationId: string | null): Promise<LicenseOverview> {
    const [found] = await this.read({ licenseId, organizationId, limit: 1 });
    if (!found) throw unknownLicense();
    return found.license;
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
    begin?: Beginning;
    limit: number;
  }): Promise<ListedLicense[]> {
    const { licenseId = null, organizationId = null, search = null, ending, limit } = filter;
    const begin = filter.begin ?? { ...FIRST, at: this.clock.now() };
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
               WHERE license_id = licenses.id AND returned_at IS NULL AND expires_at > now()) AS offline,
             ended AS over
        FROM licenses
        JOIN organizations ON organizations.id = organization_id
        JOIN modules ON modules.key = licenses.module_key
        CROSS JOIN LATERAL (
          SELECT plan_version_id, seat_model, seat_limit FROM license_terms
           WHERE license_id = licenses.id AND effective_at <= greatest(now(), starts_at)
           ORDER BY effective_at DESC LIMIT 1) AS terms
        JOIN plan_versions ON plan_versions.id = plan_version_id
        CROSS JOIN LATERAL (
          SELECT status IN ('cancelled', 'revoked')
                 OR status <> 'draft' AND COALESCE(ends_at + grace_days * interval '24 hours' <= ${begin.at}, false) AS ended)
               AS life
       WHERE licenses.id = COALESCE(${licenseId}::uuid, licenses.id)
         AND organization_id = COALESCE(${organizationId}::uuid, organization_id)
         AND (${organizationId}::uuid IS NULL OR status <> 'draft')
         AND (${licenseId}::uuid IS NOT NULL OR organizations.key !~ ${PROBES})
         AND (${search}::text IS NULL OR strpos(lower(organizations.name), lower(${search})) > 0)
         AND (${ending?.from ?? null}::timestamptz IS NULL
              OR status = 'issued' AND ends_at >= ${ending?.from ?? null} AND ends_at < ${ending?.to ?? null})
         AND (ended, CASE WHEN ${organizationId}::uuid IS NULL THEN organizations.name ELSE '' END, licenses.id) >
             (${begin.over}::boolean, ${begin.name}::text, ${begin.id}::uuid)
       ORDER BY CASE WHEN ${ending !== undefined}::boolean THEN ends_at END, ended, organizations.name, licenses.id
       LIMIT ${limit}`);
    return rows.map(({ over, active, reserved, leased, offline, ...license }) => ({
      over,
      license: {
        ...license,
        seatsInUse: seatsInUse(license.seatModel, { active, reserved, leased, offline, cooling: 0 }),
        seatsAway: offline,
      },
    }));
  }
}

/** @throws PublicError 400 `invalid_request` */
function beginningOf(cursor: string): Beginning {
  const { key, id } = placeOf(cursor, KEY);
  const [, at = '', over, name = ''] = KEY.exec(key) ?? [];
  return { at: new Date(Number(at)), over: over === '1', name, id };
}
