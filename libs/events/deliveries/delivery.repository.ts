import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, sql } from '#platform';
import type { Delivery, DeliveryKind } from './delivery.js';

/** For so long a delivery is its sender's; much longer than an attempt can take. */
const LEASE_SECONDS = 60;
const MAX_REASON = 500;

export interface LeaseRequest {
  readonly kinds: readonly DeliveryKind[];
  readonly limit: number;
  readonly perTarget: number;
  /** Targets that are being sent to already. */
  readonly busy: readonly string[];
}

/** What is still to be sent out. A delivery outlives any node; it arrives at least once, almost always once. */
@Injectable()
export class DeliveryRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes deliveries that are due, the longest due first, of each target a few: a target with many that hang cannot
   * keep the others waiting. Of several nodes each gets others; what its sender does not settle comes back by itself.
   */
  async lease({ kinds, limit, perTarget, busy }: LeaseRequest): Promise<Delivery[]> {
    const now = this.clock.now();
    const until = addSeconds(now, LEASE_SECONDS);
    return this.database.query<Delivery>(sql`
      WITH RECURSIVE targets AS (
        -- the distinct targets by one look into the index for each, however many wait
        (SELECT kind, target FROM deliveries
          WHERE delivered_at IS NULL AND failed_at IS NULL ORDER BY kind, target LIMIT 1)
        UNION ALL
        SELECT following.kind, following.target
          FROM targets CROSS JOIN LATERAL (
            SELECT d.kind, d.target FROM deliveries d
             WHERE d.delivered_at IS NULL AND d.failed_at IS NULL
               AND (d.kind, d.target) > (targets.kind, targets.target)
             ORDER BY d.kind, d.target LIMIT 1) following
      ), due AS (
        SELECT each.id
          FROM targets CROSS JOIN LATERAL (
            SELECT d.id, d.next_attempt_at FROM deliveries d
             WHERE d.delivered_at IS NULL AND d.failed_at IS NULL
               AND d.kind = targets.kind AND d.target = targets.target AND d.next_attempt_at <= ${now}
             ORDER BY d.next_attempt_at LIMIT ${perTarget} FOR UPDATE SKIP LOCKED) each
         WHERE targets.kind = ANY(${kinds}) AND targets.target <> ALL(${busy})
         ORDER BY each.next_attempt_at LIMIT ${limit}
      )
      UPDATE deliveries d
         SET attempts = attempts + 1, leased_until = ${until}, next_attempt_at = ${until}
        FROM due WHERE d.id = due.id
      RETURNING d.id, d.kind, d.target, d.payload, d.occurred_at AS "occurredAt", d.attempts,
                d.expires_at AS "expiresAt"`);
  }

  /**
   * Notes that it has arrived. Neither this nor `fail` counts once somebody else has taken it over.
   * Its latency is measured by the database's clock, which also dated the event.
   */
  async succeed({ id, attempts }: Delivery, status: number): Promise<void> {
    await this.database.query(sql`
      UPDATE deliveries
         SET delivered_at = ${this.clock.now()}, leased_until = NULL, last_status = ${status}, last_error = NULL,
             latency_ms = least(greatest(extract(epoch FROM clock_timestamp() - occurred_at) * 1000, 0), 2147483647)
       WHERE id = ${id} AND attempts = ${attempts} AND delivered_at IS NULL AND failed_at IS NULL`);
  }

  /** @param retryAt null when there will be no further attempt */
  async fail(
    { id, attempts }: Delivery,
    { status, reason, retryAt }: { status: number | undefined; reason: string; retryAt: Date | null },
  ): Promise<void> {
    await this.database.query(sql`
      UPDATE deliveries
         SET leased_until = NULL, last_status = ${status ?? null}, last_error = ${reason.slice(0, MAX_REASON)},
             next_attempt_at = coalesce(${retryAt}::timestamptz, next_attempt_at),
             failed_at = CASE WHEN ${retryAt}::timestamptz IS NULL THEN ${this.clock.now()}::timestamptz END
       WHERE id = ${id} AND attempts = ${attempts} AND delivered_at IS NULL AND failed_at IS NULL`);
  }

  /** Removes up to `limit` deliveries of a kind that were settled before an instant. */
  async prune(kind: DeliveryKind, before: Date, limit: number): Promise<void> {
    await this.database.query(sql`
      DELETE FROM deliveries
       WHERE id IN (SELECT id FROM deliveries
                     WHERE kind = ${kind} AND (delivered_at IS NOT NULL OR failed_at IS NOT NULL)
                       AND coalesce(delivered_at, failed_at) < ${before}
                     ORDER BY coalesce(delivered_at, failed_at) LIMIT ${limit})`);
  }
}
