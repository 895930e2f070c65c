import { Injectable } from '@nestjs/common';
import { Database, PublicError, sql } from '#platform';
import type { PlanFeatures } from '../catalog.js';
import { pageOf, type Page } from '../page.js';
import { PROBES } from '../probes.js';

export interface ListedPlan {
  readonly id: string;
  readonly plan: string;
  readonly version: number;
  readonly name: string;
  readonly module: string;
  readonly features: PlanFeatures;
  /** Whether a license refers to it, so that it changes no more. */
  readonly inUse: boolean;
}

export interface ListedFeature {
  readonly module: string;
  readonly key: string;
  readonly type: string;
  readonly combine: string;
  /** Of a metered feature alone. */
  readonly period: string | null;
  readonly thresholds: readonly number[] | null;
}

const FIRST = '00000000-0000-0000-0000-000000000000';
/** Of one module. */
const MOST_FEATURES = 1000;

/** What is sold, for who sells it. */
@Injectable()
export class CatalogListRepository {
  constructor(private readonly database: Database) {}

  async plans(module: string | null, after: string | null, limit: number): Promise<Page<ListedPlan>> {
    const rows = await this.database.query<ListedPlan>(sql`
      SELECT id, plan_key AS plan, version, name, module_key AS module, features,
             EXISTS (SELECT FROM license_terms WHERE plan_version_id = plan_versions.id) AS "inUse"
        FROM plan_versions
       WHERE (${module}::text IS NULL OR module_key = ${module}) AND id > ${after ?? FIRST}::uuid
         AND plan_key !~ ${PROBES}
       ORDER BY id LIMIT ${limit + 1}`);
    return pageOf(rows, limit, ({ id }) => id);
  }

  /** By key. @throws PublicError 404 `unknown_module` */
  async features(module: string): Promise<ListedFeature[]> {
    const rows = await this.database.query<ListedFeature & { key: string | null }>(sql`
      SELECT modules.key AS module, features.key, type, combine,
             CASE WHEN type = 'metered' THEN period END AS period,
             CASE WHEN type = 'metered' THEN thresholds END AS thresholds
        FROM modules LEFT JOIN features ON module_key = modules.key
       WHERE modules.key = ${module}
       ORDER BY features.key LIMIT ${MOST_FEATURES}`);
    if (rows.length === 0) throw new PublicError(404, 'unknown_module', 'There is no such module.');
    return rows.filter(({ key }) => key !== null);
  }
}
