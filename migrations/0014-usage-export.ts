import type { MigrationInterface, QueryRunner } from 'typeorm';

const OVERAGE = `
  -- of what was used, the part beyond the limit at its time; null: not known, since single uses of that time are gone
  ALTER TABLE usage_counters ADD COLUMN overage bigint DEFAULT 0 CHECK (overage BETWEEN 0 AND used);
  UPDATE usage_counters SET overage = NULL WHERE period_starts_at <= now() - interval '400 days';
  UPDATE usage_counters AS counter SET overage = told.overage
    FROM (SELECT (share->>'license')::uuid AS license_id, feature_key,
                 (share->>'periodStartsAt')::timestamptz AS starts_at, sum((share->>'overage')::bigint) AS overage
            FROM usage_events, jsonb_array_elements(shares) AS share
           WHERE share ? 'overage' GROUP BY 1, 2, 3) AS told
   WHERE counter.license_id = told.license_id AND counter.feature_key = told.feature_key
     AND period_starts_at = told.starts_at AND counter.overage IS NOT NULL;
  -- names the attempt: told again by whoever made it, it is a retry; by another, a repetition
  ALTER TABLE usage_events ADD COLUMN request_id text CHECK (length(request_id) BETWEEN 1 AND 128);`;

const LEASES = `
  -- when its seat was free for others: from then on nobody holds it, and no heartbeat brings it back
  ALTER TABLE seat_leases ADD COLUMN ended_at timestamptz;
  CREATE INDEX seat_leases_open ON seat_leases (license_id) WHERE ended_at IS NULL;`;

const SEATS = `
  CREATE INDEX seat_assignments_released ON seat_assignments (released_at) WHERE released_at IS NOT NULL;`;

/** Overage kept with its counter, repetitions told from retries, leases that ended kept for a while. */
export class UsageExport1700000000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const part of [OVERAGE, LEASES, SEATS]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX seat_assignments_released;
      -- an ended lease would count as held until it expires, which it has
      ALTER TABLE seat_leases DROP COLUMN ended_at;
      ALTER TABLE usage_events DROP COLUMN request_id;
      ALTER TABLE usage_counters DROP COLUMN overage;
    `);
  }
}
