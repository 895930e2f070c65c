import { Injectable } from '@nestjs/common';
import {
  Deliverer,
  type Attempt,
  type Delivery,
  type DeliveryChannel,
  type EventKind,
  type OutboxEvent,
} from '#events';
import {
  addSeconds,
  Clock,
  OutboundFailed,
  OutboundHttp,
  OutboundRefused,
  type Transaction,
} from '#platform';
import { IdTokens } from '#tokens';
import { LogoutDeliveryRepository } from './logout-delivery.repository.js';

const MAX_AGE_SECONDS = 86_400;

/** OpenID Connect Back-Channel Logout §2.5: tells every client of an ended session, and tries again until it is told. */
@Injectable()
export class BackChannelLogout implements DeliveryChannel {
  readonly kind = 'logout';
  readonly reader = 'back-channel-logout';
  readonly maxAttempts = 12;
  readonly longestDelay = 3600;

  constructor(
    private readonly deliveries: LogoutDeliveryRepository,
    private readonly idTokens: IdTokens,
    private readonly outbound: OutboundHttp,
    private readonly clock: Clock,
    deliverer: Deliverer,
  ) {
    deliverer.register(this);
  }

  hears(kind: EventKind): boolean {
    return kind === 'session-ended';
  }

  async enqueue(events: readonly OutboxEvent[], transaction: Transaction): Promise<void> {
    const ended = events
      .filter(({ kind }) => this.hears(kind))
      .map(({ subject, occurredAt }) => ({ sid: subject, occurredAt }));
    if (ended.length === 0) return;
    await this.deliveries.enqueue(ended, addSeconds(this.clock.now(), MAX_AGE_SECONDS), transaction);
  }

  async send({ target: clientId, payload }: Delivery): Promise<Attempt> {
    const target = await this.deliveries.target(clientId);
    if (!target) return { delivered: false, final: true, reason: 'the client is not to be told any more' };
    // §2.4: a fresh token at every attempt, because it lives for two minutes only
    const logoutToken = this.idTokens.issueLogout(
      { id: clientId, algorithm: target.algorithm },
      { sid: String(payload['sid']), sub: String(payload['sub']) },
    );
    try {
      const { status } = await this.outbound.send(target.url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ logout_token: logoutToken }).toString(),
        discardBody: true,
      });
      // §2.8: 200, or 204 which some frameworks send
      if (status === 200 || status === 204) return { delivered: true, status };
      return { delivered: false, status, reason: `status ${status}` };
    } catch (error) {
      if (error instanceof OutboundFailed) return { delivered: false, reason: error.message };
      if (error instanceof OutboundRefused) {
        return { delivered: false, reason: `backchannel_logout_uri ${error.message}` };
      }
      throw error;
    }
  }
}
