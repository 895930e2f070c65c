import { Injectable } from '@nestjs/common';
import { Database, sql } from '#platform';

export interface LeaseOfPerson {
  readonly userId: string;
  readonly environment: string;
  readonly leasedUntil: Date;
}

/** What an answer needs of an organization beside its snapshot. */
export interface OrganizationState {
  /** The snapshot that is decided on is at least this one. */
  readonly version: number;
  /** Floating seats that these people hold, or held until lately, on licenses of the module. */
  readonly leases: readonly LeaseOfPerson[];
}

interface Row {
  id: string;
  version: string;
  leases: { userId: string; environment: string; leasedUntil: string }[];
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
               SELECT jsonb_agg(jsonb_build_object('userId', user_id, 'environment', environment, 'leasedUntil',
                        to_char(leased_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
                 FROM (SELECT user_id, environment, max(expires_at) AS leased_until
                         FROM seat_leases JOIN licenses ON licenses.id = license_id
                        WHERE user_id = ANY (${userIds}::uuid[])
                          AND organization_id = organizations.id AND module_key = ${moduleKey}
                        GROUP BY user_id, environment) AS held), '[]') AS leases
        FROM organizations WHERE organizations.id = ANY (${organizationIds}::uuid[])`);
    return new Map(
      rows.map(({ id, version, leases }) => [
        id,
        {
          version: Number(version),
          leases: leases.map((lease) => ({ ...lease, leasedUntil: new Date(lease.leasedUntil) })),
        },
      ]),
    );
  }
}
