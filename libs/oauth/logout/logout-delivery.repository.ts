import { Injectable } from '@nestjs/common';
import { OutboxRepository } from '#events';
import { Clock, Database, sql } from '#platform';
import type { SigningAlgorithm } from '#tokens';

const READER = 'back-channel-logout';
const BATCH = 200;

export interface LogoutDelivery {
  readonly id: string;
  readonly clientId: string;
  readonly algorithm: SigningAlgorithm;
  readonly url: string;
  readonly sid: string;
  readonly userId: string;
  /** This one included. */
  readonly attempts: number;
}

/** Who is still to be told that a session has ended. A delivery outlives any node. */
@Injectable()
export class LogoutDeliveryRepository {
  constructor(
    private readonly database: Database,
    private readonly outbox: OutboxRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Turns the sessions that ended since the last call into deliveries, one per client that the session had signed in
   * to. The reader's place moves in the same transaction; of several nodes one does the work, and if that one dies the
   * next, which waits for the place, does it.
   */
  async enqueue(): Promise<void> {
    const start = await this.outbox.position();
    let read = BATCH;
    while (read === BATCH) {
      read = await this.database.transaction(async (transaction) => {
        const [transactionId, id] = start.split('-');
        await transaction.query(sql`
          INSERT INTO outbox_readers (name, transaction_id, id)
          VALUES (${READER}, ${transactionId}::text::xid8, ${id}::bigint) ON CONFLICT (name) DO NOTHING`);
        const [place] = await transaction.query<{ cursor: string }>(sql`
          SELECT transaction_id::text || '-' || id AS cursor FROM outbox_readers
           WHERE name = ${READER} FOR UPDATE`);
        if (!place) return 0;
        const events = await this.outbox.after(place.cursor, BATCH, transaction);
        const last = events.at(-1);
        if (!last) return 0;
        const sessions = events.filter(({ kind }) => kind === 'session-ended').map(({ subject }) => subject);
        const [lastTransaction, lastId] = last.cursor.split('-');
        await transaction.query(sql`
          WITH due AS (
            INSERT INTO logout_deliveries (client_id, session_id, user_id, next_attempt_at)
            SELECT DISTINCT a.client_id, a.session_id, a.user_id, ${this.clock.now()}::timestamptz
              FROM authorizations a
              JOIN clients c ON c.id = a.client_id AND c.disabled_at IS NULL
             WHERE a.session_id = ANY(${sessions}::uuid[]) AND c.backchannel_logout_uri IS NOT NULL
            ON CONFLICT (client_id, session_id) DO NOTHING
          )
          UPDATE outbox_readers SET transaction_id = ${lastTransaction}::text::xid8, id = ${lastId}::bigint
           WHERE name = ${READER}`);
        return events.length;
      });
    }
  }

  /** Takes up to `limit` deliveries that are due; each comes back by itself if its sender dies. */
  async lease(limit: number): Promise<LogoutDelivery[]> {
    const now = this.clock.now();
    return this.database.query<LogoutDelivery>(sql`
      UPDATE logout_deliveries d
         SET attempts = attempts + 1,
             -- 10 s, 20 s, 40 s … at most an hour
             next_attempt_at = ${now}::timestamptz + make_interval(secs => least(10 * 2 ^ attempts, 3600))
        FROM clients c
       WHERE c.id = d.client_id AND c.backchannel_logout_uri IS NOT NULL
         AND d.id IN (SELECT id FROM logout_deliveries
                       WHERE delivered_at IS NULL AND failed_at IS NULL AND next_attempt_at <= ${now}
                       ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      RETURNING d.id, d.client_id AS "clientId", c.id_token_algorithm AS algorithm,
                c.backchannel_logout_uri AS url, d.session_id AS sid, d.user_id AS "userId", d.attempts`);
  }

  async succeed(id: string): Promise<void> {
    await this.database.query(
      sql`UPDATE logout_deliveries SET delivered_at = ${this.clock.now()} WHERE id = ${id}`,
    );
  }

  /** @param final whether there will be no further attempt */
  async fail(id: string, reason: string, final: boolean): Promise<void> {
    await this.database.query(sql`
      UPDATE logout_deliveries
         SET last_error = ${reason.slice(0, 500)}, failed_at = CASE WHEN ${final} THEN ${this.clock.now()}::timestamptz END
       WHERE id = ${id}`);
  }
}
