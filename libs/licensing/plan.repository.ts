import { Injectable } from '@nestjs/common';
import { Database, sql } from '#platform';

/** How far a plan version has spread: a new version leaves the licenses of earlier ones where they are. */
export interface PlanAdoption {
  readonly planVersionId: string;
  readonly planKey: string;
  readonly version: number;
  readonly name: string;
  /** Licenses that are neither cancelled, revoked nor out of their grace, and whose terms of now are of this version. */
  readonly licenses: number;
  /** Of those licenses, whichever version they are on, how many are to come to this version later. */
  readonly scheduled: number;
}

interface AdoptionRow {
  id: string;
  plan_key: string;
  version: number;
  name: string;
  licenses: string;
  scheduled: string;
}

/** Which licenses are on which plan version. Moving one is a change of its terms. */
@Injectable()
export class PlanRepository {
  constructor(private readonly database: Database) {}

  /** Every version of a module's plans, by plan and version. */
  async adoption(moduleKey: string): Promise<PlanAdoption[]> {
    const rows = await this.database.query<AdoptionRow>(sql`
      WITH living AS (
        SELECT id, starts_at FROM licenses
         WHERE module_key = ${moduleKey} AND status IN ('draft', 'issued', 'suspended')
           AND (ends_at IS NULL OR ends_at + grace_days * interval '24 hours' > now())
      ), present AS (
        SELECT DISTINCT ON (license_id) license_id, plan_version_id
          FROM living JOIN license_terms ON license_id = living.id
         WHERE effective_at <= greatest(now(), starts_at)
         ORDER BY license_id, effective_at DESC
      ), coming AS (
        SELECT DISTINCT license_id, plan_version_id
          FROM living JOIN license_terms ON license_id = living.id
         WHERE effective_at > greatest(now(), starts_at)
      )
      SELECT id, plan_key, version, name,
             (SELECT count(*) FROM present WHERE plan_version_id = plan_versions.id) AS licenses,
             (SELECT count(*) FROM coming
               WHERE plan_version_id = plan_versions.id
                 AND NOT EXISTS (SELECT FROM present
                                  WHERE present.license_id = coming.license_id
                                    AND present.plan_version_id = coming.plan_version_id)) AS scheduled
        FROM plan_versions WHERE module_key = ${moduleKey}
       ORDER BY plan_key, version`);
    return rows.map((row) => ({
      planVersionId: row.id,
      planKey: row.plan_key,
      version: row.version,
      name: row.name,
      licenses: Number(row.licenses),
      scheduled: Number(row.scheduled),
    }));
  }

  /** Ids of the licenses whose terms of now are of this version, by id, for who moves them: up to 100 after `after`. */
  async licensesOn(planVersionId: string, after: string | null = null): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(sql`
      SELECT licenses.id FROM licenses
       WHERE status IN ('draft', 'issued', 'suspended')
         AND (ends_at IS NULL OR ends_at + grace_days * interval '24 hours' > now())
         AND id > COALESCE(${after}::uuid, '00000000-0000-0000-0000-000000000000')
         AND id IN (SELECT license_id FROM license_terms WHERE plan_version_id = ${planVersionId})
         AND ${planVersionId} = (
           SELECT plan_version_id FROM license_terms
            WHERE license_id = licenses.id AND effective_at <= greatest(now(), starts_at)
            ORDER BY effective_at DESC LIMIT 1)
       ORDER BY id LIMIT 100`);
    return rows.map(({ id }) => id);
  }
}
