import { Injectable } from '@nestjs/common';
import { Clock, Database, sql } from '#platform';
import type { DeliveryKind } from './delivery.js';

export interface LoggedDelivery {
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly occurredAt: Date;
  readonly createdAt: Date;
  readonly attempts: number;
  readonly nextAttemptAt: Date;
  readonly deliveredAt: Date | null;
  readonly failedAt: Date | null;
  readonly latencyMs: number | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

/** How deliveries fare: what waits now, and of the latest that were settled how many arrived and how fast. */
export interface DeliveryMeasure {
  readonly waiting: number;
  /** Seconds since the oldest event that waits; null when none does. */
  readonly oldestWaitingSeconds: number | null;
  /** Of the latest 1,000. */
  readonly delivered: number;
  /** Of the latest 1,000. */
  readonly failed: number;
  /** Milliseconds from the event to its delivery; null when nothing was delivered. */
  readonly latencyP50Ms: number | null;
  readonly latencyP95Ms: number | null;
}

/** A place in a target's log: its deliveries before this one. */
export interface LogPlace {
  readonly createdAt: Date;
  readonly id: string;
}

@Injectable()
export class DeliveryLogRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** A target's deliveries, newest first. */
  async page(
    kind: DeliveryKind,
    target: string,
    before: LogPlace | undefined,
    limit: number,
  ): Promise<LoggedDelivery[]> {
    // every uuid is below this one, and no delivery is as late
    const { createdAt, id } = before ?? { createdAt: 'infinity', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };
    return this.database.query<LoggedDelivery>(sql`
      SELECT id, payload, occurred_at AS "occurredAt", created_at AS "createdAt", attempts,
             next_attempt_at AS "nextAttemptAt", delivered_at AS "deliveredAt", failed_at AS "failedAt",
             latency_ms AS "latencyMs", last_status AS "lastStatus", last_error AS "lastError"
        FROM deliveries
       WHERE kind = ${kind} AND target = ${target}
         AND (created_at, id) < (${createdAt}::timestamptz, ${id}::uuid)
       ORDER BY created_at DESC, id DESC LIMIT ${limit}`);
  }

  /** The deliveries to one target. */
  async measure(kind: DeliveryKind, target: string): Promise<DeliveryMeasure> {
    const [measured] = await this.database.query<DeliveryMeasure>(sql`
      WITH waiting AS (
        SELECT count(*)::integer AS waiting, min(occurred_at) AS oldest FROM deliveries
         WHERE kind = ${kind} AND target = ${target} AND delivered_at IS NULL AND failed_at IS NULL
      ), latest AS (
        SELECT delivered_at, failed_at, latency_ms FROM deliveries
         WHERE kind = ${kind} AND target = ${target}
         ORDER BY created_at DESC, id DESC LIMIT 1000
      ), settled AS (
        SELECT count(delivered_at)::integer AS delivered, count(failed_at)::integer AS failed,
               percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY latency_ms) AS latency FROM latest
      )
      SELECT waiting,
             greatest(extract(epoch FROM ${this.clock.now()}::timestamptz - oldest), 0)::float AS "oldestWaitingSeconds",
             delivered, failed, latency[1] AS "latencyP50Ms", latency[2] AS "latencyP95Ms"
        FROM waiting, settled`);
    if (!measured) throw new Error('PostgreSQL counted nothing');
    return measured;
  }
}
