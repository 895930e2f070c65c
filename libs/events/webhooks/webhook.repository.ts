import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, KeyEncryption, randomUUID, sql, type Transaction } from '#platform';
import type { EventKind, OutboxEvent } from '../outbox-event.js';
import { newWebhookSecret, webhookSecretText, type Webhook } from './webhook.js';

/** Of one client. */
export const MAX_WEBHOOKS = 10;
/** For so long the secret before signs too. */
export const SECRET_OVERLAP_SECONDS = 86_400;

export interface WebhookTarget {
  readonly url: string;
  readonly clientId: string;
  /** The newest first. */
  readonly secrets: readonly Buffer[];
}

interface TargetRow {
  url: string;
  client_id: string;
  secret_envelope: string;
  previous_secret_envelope: string | null;
}

/** Who is told of what. A client sees its own webhooks only; the secrets are kept encrypted. */
@Injectable()
export class WebhookRepository {
  constructor(
    private readonly database: Database,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
  ) {}

  /** @returns the webhook and, this once, its secret; undefined when the client has as many as it may have */
  async create(
    clientId: string,
    { url, kinds }: { url: string; kinds: readonly EventKind[] | null },
  ): Promise<{ webhook: Webhook; secret: string } | undefined> {
    const id = randomUUID();
    const { envelope, secret } = this.newSecret(id);
    return this.database.transaction(async (transaction) => {
      // of two registrations at once the second counts the first
      await transaction.query(sql`SELECT id FROM clients WHERE id = ${clientId} FOR NO KEY UPDATE`);
      const [webhook] = await transaction.query<Webhook>(sql`
        WITH created AS (
          INSERT INTO webhooks (id, client_id, url, kinds, secret_envelope, created_at)
          SELECT ${id}, ${clientId}, ${url}, ${kinds}, ${envelope}, ${this.clock.now()}
           WHERE (SELECT count(*) FROM webhooks WHERE client_id = ${clientId}) < ${MAX_WEBHOOKS}
          RETURNING *
        ), audited AS (
          INSERT INTO audit_events (act, actor, target, detail)
          SELECT 'webhook.create', client_id, id::text, jsonb_build_object('url', url) FROM created
        )
        SELECT id, url, kinds, created_at AS "createdAt", disabled_at AS "disabledAt" FROM created`);
      return webhook && { webhook, secret };
    });
  }

  async ofClient(clientId: string): Promise<Webhook[]> {
    return this.database.query<Webhook>(sql`
      SELECT id, url, kinds, created_at AS "createdAt", disabled_at AS "disabledAt"
        FROM webhooks WHERE client_id = ${clientId} ORDER BY created_at, id`);
  }

  async find(id: string, clientId: string): Promise<Webhook | undefined> {
    const [webhook] = await this.database.query<Webhook>(sql`
      SELECT id, url, kinds, created_at AS "createdAt", disabled_at AS "disabledAt"
        FROM webhooks WHERE id = ${id} AND client_id = ${clientId}`);
    return webhook;
  }

  /** What still waits for it is given up at its next attempt. @returns false when the client has no such webhook */
  async remove(id: string, clientId: string): Promise<boolean> {
    const removed = await this.database.query(sql`
      WITH removed AS (
        DELETE FROM webhooks WHERE id = ${id} AND client_id = ${clientId} RETURNING id, client_id
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'webhook.remove', client_id, id::text FROM removed
      RETURNING id`);
    return removed.length > 0;
  }

  /** @returns the new secret, this once; undefined when the client has no such webhook */
  async rotateSecret(id: string, clientId: string): Promise<string | undefined> {
    const { envelope, secret } = this.newSecret(id);
    const rotated = await this.database.query(sql`
      WITH rotated AS (
        UPDATE webhooks
           SET previous_secret_envelope = secret_envelope, secret_envelope = ${envelope},
               previous_secret_until = ${addSeconds(this.clock.now(), SECRET_OVERLAP_SECONDS)}
         WHERE id = ${id} AND client_id = ${clientId}
        RETURNING id, client_id
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'webhook.rotate-secret', client_id, id::text FROM rotated
      RETURNING id`);
    return rotated.length > 0 ? secret : undefined;
  }

  /** Where and how to send; undefined when it is gone or disabled, or its client is. */
  async target(id: string): Promise<WebhookTarget | undefined> {
    const [row] = await this.database.query<TargetRow>(sql`
      SELECT w.url, w.client_id, w.secret_envelope,
             CASE WHEN w.previous_secret_until > ${this.clock.now()} THEN w.previous_secret_envelope END
               AS previous_secret_envelope
        FROM webhooks w JOIN clients c ON c.id = w.client_id AND c.disabled_at IS NULL
       WHERE w.id = ${id} AND w.disabled_at IS NULL`);
    if (!row) return undefined;
    const envelopes = [row.secret_envelope, row.previous_secret_envelope].filter((each) => each !== null);
    return {
      url: row.url,
      clientId: row.client_id,
      secrets: envelopes.map((envelope) => this.encryption.decrypt(envelope, contextOf(id))),
    };
  }

  /** Its receiver wants no more. */
  async disable(id: string): Promise<void> {
    await this.database.query(sql`
      WITH disabled AS (
        UPDATE webhooks SET disabled_at = ${this.clock.now()} WHERE id = ${id} AND disabled_at IS NULL RETURNING id
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'webhook.disable', 'system', id::text FROM disabled`);
  }

  /** A delivery of each event to each webhook that asked for its kind. */
  async enqueue(events: readonly OutboxEvent[], expiresAt: Date, transaction: Transaction): Promise<void> {
    const now = this.clock.now();
    await transaction.query(sql`
      INSERT INTO deliveries (kind, target, reference, payload, occurred_at, next_attempt_at, expires_at, created_at)
      SELECT 'webhook', w.id::text, event ->> 'cursor', event, (event ->> 'occurredAt')::timestamptz, ${now},
             ${expiresAt}, ${now}
        FROM jsonb_array_elements(${JSON.stringify(events)}::jsonb) event
        JOIN webhooks w ON w.disabled_at IS NULL AND (w.kinds IS NULL OR event ->> 'kind' = ANY(w.kinds))
        JOIN clients c ON c.id = w.client_id AND c.disabled_at IS NULL
      ON CONFLICT (kind, target, reference) DO NOTHING`);
  }

  /**
   * A delivery that tells of nothing but that it arrives.
   * @returns its id; undefined when the client has no such webhook, or it is disabled
   */
  async ping(id: string, clientId: string, expiresAt: Date): Promise<string | undefined> {
    const now = this.clock.now();
    const [row] = await this.database.query<{ id: string }>(sql`
      WITH pinged AS (
        INSERT INTO deliveries (kind, target, reference, payload, occurred_at, next_attempt_at, expires_at, created_at)
        SELECT 'webhook', id::text, ${`ping ${randomUUID()}`}, '{"kind": "ping"}', clock_timestamp(), ${now},
               ${expiresAt}, ${now}
          FROM webhooks WHERE id = ${id} AND client_id = ${clientId} AND disabled_at IS NULL
        RETURNING id, target
      ), audited AS (
        INSERT INTO audit_events (act, actor, target) SELECT 'webhook.ping', ${clientId}::text, target FROM pinged
      )
      SELECT id FROM pinged`);
    return row?.id;
  }

  /**
   * Makes a delivery due now, however it ended, with all its attempts before it.
   * @returns false when the webhook has no such delivery, is disabled, or it is being sent at this moment
   */
  async retry(id: string, clientId: string, deliveryId: string, expiresAt: Date): Promise<boolean> {
    const now = this.clock.now();
    const due = await this.database.query(sql`
      WITH due AS (
        UPDATE deliveries d
           SET attempts = 0, next_attempt_at = ${now}, expires_at = ${expiresAt}, leased_until = NULL,
               delivered_at = NULL, failed_at = NULL, latency_ms = NULL
          FROM webhooks w
         WHERE d.id = ${deliveryId} AND d.kind = 'webhook' AND d.target = ${id}
           AND w.id = ${id}::uuid AND w.client_id = ${clientId} AND w.disabled_at IS NULL
           AND (d.leased_until IS NULL OR d.leased_until <= ${now})
        RETURNING d.id
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'webhook.retry', ${clientId}::text, id::text FROM due
      RETURNING id`);
    return due.length > 0;
  }

  /** Forgets secrets that sign no more. */
  async prune(limit: number): Promise<void> {
    await this.database.query(sql`
      UPDATE webhooks SET previous_secret_envelope = NULL, previous_secret_until = NULL
       WHERE id IN (SELECT id FROM webhooks WHERE previous_secret_until <= ${this.clock.now()}
                     ORDER BY previous_secret_until LIMIT ${limit})`);
  }

  private newSecret(id: string): { secret: string; envelope: string } {
    const secret = newWebhookSecret();
    return { secret: webhookSecretText(secret), envelope: this.encryption.encrypt(secret, contextOf(id)) };
  }
}

function contextOf(id: string): string {
  return `webhooks|${id}`;
}
