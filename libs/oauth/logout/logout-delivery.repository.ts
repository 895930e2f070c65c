import { Injectable } from '@nestjs/common';
import { Clock, Database, sql, type Transaction } from '#platform';
import type { SigningAlgorithm } from '#tokens';

export interface LogoutTarget {
  readonly url: string;
  readonly algorithm: SigningAlgorithm;
}

export interface EndedSession {
  readonly sid: string;
  readonly occurredAt: Date;
}

/** Who is to be told that a session has ended. */
@Injectable()
export class LogoutDeliveryRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** A delivery to each client that a session had signed in to (Back-Channel Logout §2.3). */
  async enqueue(ended: readonly EndedSession[], expiresAt: Date, transaction: Transaction): Promise<void> {
    const now = this.clock.now();
    await transaction.query(sql`
      INSERT INTO deliveries (kind, target, reference, payload, occurred_at, next_attempt_at, expires_at, created_at)
      SELECT DISTINCT ON (a.client_id, a.session_id) 'logout', a.client_id, a.session_id::text,
             jsonb_build_object('sid', a.session_id, 'sub', a.user_id), e."occurredAt", ${now}::timestamptz,
             ${expiresAt}::timestamptz, ${now}::timestamptz
        FROM jsonb_to_recordset(${JSON.stringify(ended)}::jsonb) e(sid uuid, "occurredAt" timestamptz)
        JOIN authorizations a ON a.session_id = e.sid
        JOIN clients c ON c.id = a.client_id AND c.disabled_at IS NULL
       WHERE c.backchannel_logout_uri IS NOT NULL
      ON CONFLICT (kind, target, reference) DO NOTHING`);
  }

  /** Where and how a client hears of it; undefined when it is disabled or wants to hear no more. */
  async target(clientId: string): Promise<LogoutTarget | undefined> {
    const [row] = await this.database.query<LogoutTarget>(sql`
      SELECT backchannel_logout_uri AS url, id_token_algorithm AS algorithm FROM clients
       WHERE id = ${clientId} AND disabled_at IS NULL AND backchannel_logout_uri IS NOT NULL`);
    return row;
  }
}
