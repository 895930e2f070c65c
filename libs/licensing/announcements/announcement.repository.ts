import { Injectable } from '@nestjs/common';
import { Clock, Configuration, Database, sql } from '#platform';

/** Of one call: a deployment that was down for long catches up, and one call still ends. */
const MOST_BATCHES = 100;
/** How late something may be told. */
const LATEST_DAYS = 7;
const INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

/**
 * Says once what time alone has brought about. Nothing that is decided depends on it: what has not been announced yet
 * holds all the same, and an announcement raises no license version.
 *
 * - `license-started` at `starts_at`; `license-terms-changed` where later terms begin, while the license runs;
 *   `license-ending` so many days of 24 hours before `ends_at`; `license-grace` at `ends_at` when there is a grace;
 *   `license-expired` at the end of the grace.
 * - Only what came after the license was written down: what had passed by then is part of what was sold.
 * - A suspension does not stop the clock (licensing.md), so suspended licenses announce as issued ones do. What comes
 *   while a license is a draft is noted and told to nobody, so that issuing it later does not tell it. A cancelled or
 *   revoked license announces nothing.
 * - That a license will end is not told once it has ended; everything else is told up to a week late. What is older is
 *   history: the first run with licenses of many years tells the last week, not all of them.
 * - An instant that is moved (a renewal) is another instant, and announces itself again.
 * - What an announcement says of its license (the `facts` of its event) is how it was when that was committed.
 */
@Injectable()
export class AnnouncementRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Announces everything that is due, for `limit` licenses in one statement.
   * @param stopped asked between the batches
   * @returns how many events were told
   */
  async announce(limit: number, stopped: () => boolean = () => false): Promise<number> {
    let told = 0;
    for (let batch = 0; batch < MOST_BATCHES && !stopped(); batch += 1) {
      const announced = await this.announceBatch(limit);
      told += announced.told;
      if (announced.licenses < limit) break;
    }
    return told;
  }

  /**
   * Licenses that somebody is changing wait for the next time. Those that are taken are held by FOR SHARE, and only as
   * the version that was looked at: so each is announced as it is when its announcement is committed. Of two nodes that
   * take the same, the primary key decides; both insert in the order of ids, in which everybody locks licenses.
   */
  private async announceBatch(limit: number): Promise<{ licenses: number; told: number }> {
    const now = this.clock.now();
    const days = this.configuration.licenseEndingDays;
    const [done] = await this.database.query<{ licenses: number; told: number }>(sql`
      WITH passed AS MATERIALIZED (
        SELECT l.id, l.version, organization_id, kind, due_at, module_key, trial, ends_at, days_before,
               CASE WHEN grace_days > 0 THEN ends_at + grace_days * interval '24 hours' END AS grace_until,
               status <> 'draft' AND (kind <> 'license-ending' OR ends_at > ${now}::timestamptz) AS said
          FROM licenses l CROSS JOIN LATERAL (
               SELECT 'license-started' AS kind, starts_at AS due_at, NULL::integer AS days_before
               UNION ALL SELECT 'license-grace', ends_at, NULL WHERE grace_days > 0
               UNION ALL SELECT 'license-expired', ends_at + grace_days * interval '24 hours', NULL
               UNION ALL SELECT 'license-ending', ends_at - day * interval '24 hours', day
                 FROM unnest(${days}::integer[]) AS day WHERE ends_at - day * interval '24 hours' > starts_at
               UNION ALL SELECT 'license-terms-changed', effective_at, NULL FROM license_terms
                WHERE license_id = l.id AND effective_at > starts_at
                  AND (ends_at IS NULL OR effective_at < ends_at + grace_days * interval '24 hours')) AS instant
         WHERE status IN ('draft', 'issued', 'suspended')
           AND due_at <= ${now}::timestamptz AND due_at > created_at
           AND due_at > ${now}::timestamptz - ${LATEST_DAYS} * interval '24 hours'
           AND NOT EXISTS (SELECT FROM license_announcements a
                            WHERE a.license_id = l.id AND a.kind = instant.kind AND a.due_at = instant.due_at)
      ), chosen AS (
        SELECT DISTINCT id FROM passed ORDER BY id LIMIT ${limit}
      ), held AS MATERIALIZED (
        SELECT id, version FROM licenses WHERE id IN (SELECT id FROM chosen) ORDER BY id FOR SHARE SKIP LOCKED
      ), due AS (
        SELECT id AS license_id, organization_id, kind, due_at, said,
               jsonb_build_object('module', module_key, 'trial', trial)
               || CASE kind WHEN 'license-ending'
                  THEN jsonb_build_object('days_before', days_before,
                                          'ends_at', to_char(ends_at AT TIME ZONE 'UTC', ${INSTANT}))
                  ELSE jsonb_build_object('at', to_char(due_at AT TIME ZONE 'UTC', ${INSTANT})) END
               || CASE WHEN kind IN ('license-ending', 'license-grace')
                  THEN jsonb_build_object('grace_until', to_char(grace_until AT TIME ZONE 'UTC', ${INSTANT}))
                  ELSE '{}' END AS facts
          FROM passed JOIN held USING (id, version)
      ), announced AS (
        INSERT INTO license_announcements (license_id, kind, due_at, announced_at)
        SELECT license_id, kind, due_at, ${now}::timestamptz FROM due ORDER BY license_id, due_at, kind
        ON CONFLICT DO NOTHING
        RETURNING license_id, kind, due_at
      ), said AS MATERIALIZED (
        SELECT license_id, organization_id, kind, due_at, facts
          FROM announced JOIN due USING (license_id, kind, due_at) WHERE said
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id, facts)
        SELECT kind, license_id, organization_id, facts FROM said ORDER BY due_at, license_id, kind
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id, detail)
        SELECT 'license.announce', 'system', license_id, organization_id,
               jsonb_build_object('kind', kind, 'due_at', to_char(due_at AT TIME ZONE 'UTC', ${INSTANT}))
          FROM said ORDER BY due_at, license_id, kind
      )
      SELECT (SELECT count(*) FROM chosen)::int AS licenses, (SELECT count(*) FROM said)::int AS told`);
    return done ?? { licenses: 0, told: 0 };
  }
}
