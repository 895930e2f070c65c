import { Injectable } from '@nestjs/common';
import {
  addSeconds,
  Clock,
  Configuration,
  numericDate,
  OutboundFailed,
  OutboundHttp,
  OutboundRefused,
  type Transaction,
} from '#platform';
import { Deliverer } from '../deliveries/deliverer.js';
import {
  retryAfterSeconds,
  type Attempt,
  type Delivery,
  type DeliveryChannel,
} from '../deliveries/delivery.js';
import type { EventKind, OutboxEvent } from '../outbox-event.js';
import { isPublicKind, securityEventClaims } from '../security-event.js';
import { webhookSignature } from './webhook.js';
import { WebhookRepository, type WebhookTarget } from './webhook.repository.js';

/** Three days, in which somebody has come to look. */
const MAX_AGE_SECONDS = 3 * 86_400;
const A_DAY = 86_400;
const PING = 'ping';
const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;
const GONE = 410;

/** Events to the webhooks of modules, after the conventions of Standard Webhooks. */
@Injectable()
export class WebhookChannel implements DeliveryChannel {
  readonly kind = 'webhook';
  readonly reader = 'webhooks';
  readonly maxAttempts = 16;
  readonly longestDelay = 6 * 3600;

  constructor(
    private readonly webhooks: WebhookRepository,
    private readonly outbound: OutboundHttp,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
    deliverer: Deliverer,
  ) {
    deliverer.register(this);
  }

  /** When a delivery that is enqueued now is given up. */
  expiresAt(): Date {
    return addSeconds(this.clock.now(), MAX_AGE_SECONDS);
  }

  hears(kind: EventKind): boolean {
    return isPublicKind(kind);
  }

  async enqueue(events: readonly OutboxEvent[], transaction: Transaction): Promise<void> {
    const told = events.filter(({ kind }) => isPublicKind(kind));
    if (told.length > 0) await this.webhooks.enqueue(told, this.expiresAt(), transaction);
  }

  async send(delivery: Delivery): Promise<Attempt> {
    const target = await this.webhooks.target(delivery.target);
    if (!target) return { delivered: false, final: true, reason: 'the webhook is removed or disabled' };
    const answer = await this.post(delivery, target).catch((error: Error): Attempt => {
      if (error instanceof OutboundFailed) return { delivered: false, reason: error.message };
      if (error instanceof OutboundRefused) return { delivered: false, reason: `the URL ${error.message}` };
      throw error;
    });
    if (!answer.delivered && answer.status === GONE) {
      // Standard Webhooks, "Delivery": 410 says that the endpoint wants no more
      await this.webhooks.disable(delivery.target);
      return { ...answer, final: true };
    }
    return answer;
  }

  private async post(delivery: Delivery, { url, clientId, secrets }: WebhookTarget): Promise<Attempt> {
    const { id } = delivery;
    const body = this.bodyOf(delivery, clientId);
    const timestamp = numericDate(this.clock.now());
    const { status, headers } = await this.outbound.send(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        // the same at every attempt, so that a receiver knows what it has had
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': webhookSignature(secrets, { id, timestamp, body }),
      },
      body,
      discardBody: true,
    });
    if (status >= 200 && status <= 299) return { delivered: true, status };
    const asks = status === TOO_MANY_REQUESTS || status === SERVICE_UNAVAILABLE;
    const wait = asks ? retryAfterSeconds(headers['retry-after'], this.clock.now()) : undefined;
    const retryAfter = wait === undefined ? undefined : Math.min(wait, A_DAY);
    return { delivered: false, status, reason: `status ${status}`, retryAfter };
  }

  /** Standard Webhooks, "Payload structure": type, timestamp and data; the same text at every attempt. */
  private bodyOf({ payload, occurredAt }: Delivery, audience: string): string {
    const timestamp = occurredAt.toISOString();
    if (payload['kind'] === PING) return JSON.stringify({ type: PING, timestamp, data: { aud: audience } });
    const event = eventOf(payload);
    const data = securityEventClaims(event, { issuer: this.configuration.issuer, audience });
    return JSON.stringify({ type: event.kind, timestamp, data });
  }
}

/** The event that `enqueue` kept. */
function eventOf(payload: Delivery['payload']): OutboxEvent {
  const event = payload as unknown as OutboxEvent & { readonly occurredAt: string };
  // one that was enqueued before there were facts has none
  return { ...event, occurredAt: new Date(event.occurredAt), facts: event.facts ?? null };
}
