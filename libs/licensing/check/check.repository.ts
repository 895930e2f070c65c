import { Injectable } from '@nestjs/common';
import type { HeldSeat } from '@core-auth/module-kit/licensing';
import { Database, sql } from '#platform';

/** Somebody who belongs to an organization and can sign in, with the floating seats that they hold or held until lately. */
export interface PersonState {
  readonly userId: string;
  readonly leases: readonly HeldSeat[];
}

/** What an answer needs of an organization beside its snapshot. */
export interface OrganizationState {
  /** The snapshot that is decided on is at least this one. */
  readonly version: number;
  /** Of those who are asked about. */
  readonly people: readonly PersonState[];
}

interface Row {
  id: string;
  version: string;
  people: { userId: string; leases: { licenseId: string; until: string }[] }[];
}

@Injectable()
export class CheckRepository {
  constructor(private readonly database: Database) {}

  /** By organization, in one statement for all of them; one that does not exist is left out. */
  async states(
    organizationIds: readonly string[],
    userIds: readonly string[],
    moduleKey: string,
  ): Promise<Map<string, OrganizationState>> {
    const rows = await this.database.query<Row>(sql`
      SELECT organizations.id, license_version AS version,
             COALESCE((
               SELECT jsonb_agg(jsonb_build_object('userId', users.id, 'leases', COALESCE((
                        SELECT jsonb_agg(jsonb_build_object('licenseId', license_id, 'until',
                                 to_char(leased_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
                          FROM (SELECT license_id, max(expires_at) AS leased_until
                                  FROM seat_leases JOIN licenses ON licenses.id = license_id
                                 WHERE user_id = users.id AND licenses.organization_id = organizations.id
                                   AND module_key = ${moduleKey}
                                 GROUP BY license_id) AS held), '[]')))
                 FROM memberships JOIN users ON users.id = user_id
                WHERE user_id = ANY (${userIds}::uuid[]) AND memberships.organization_id = organizations.id
                  AND disabled_at IS NULL), '[]') AS people
        FROM organizations WHERE organizations.id = ANY (${organizationIds}::uuid[])`);
    return new Map(
      rows.map(({ id, version, people }) => [
        id,
        {
          version: Number(version),
          people: people.map(({ userId, leases }) => ({
            userId,
            leases: leases.map(({ licenseId, until }) => ({ licenseId, until: new Date(until) })),
          })),
        },
      ]),
    );
  }
}
