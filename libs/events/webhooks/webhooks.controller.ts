import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { ClientAuthentication, CurrentClient, OutboundHttp, PublicError, URI_CHARACTERS } from '#platform';
import { Deliverer } from '../deliveries/deliverer.js';
import {
  DeliveryLogRepository,
  type DeliveryMeasure,
  type LoggedDelivery,
  type LogPlace,
} from '../deliveries/delivery-log.repository.js';
import { parseKinds, type Webhook } from './webhook.js';
import { WebhookChannel } from './webhook-channel.js';
import { MAX_WEBHOOKS, SECRET_OVERLAP_SECONDS, WebhookRepository } from './webhook.repository.js';

const PAGE = 50;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CURSOR = /^(\d{1,15})_([0-9a-f-]{36})$/;

/** What this room needs to know of an authenticated client. */
interface ModuleClient {
  readonly id: string;
  readonly moduleKey: string | null;
  readonly tokenEndpointAuthMethod: string;
}

export class WebhookRegistration {
  @IsString({ message: 'url must be one https URL' })
  @MaxLength(2048, { message: 'url must not be longer than 2048 characters' })
  @Matches(URI_CHARACTERS, { message: 'url must be one https URL' })
  url!: string;

  @IsOptional()
  @IsString({ message: 'kinds must be one list of event kinds separated by spaces' })
  @MaxLength(1024, { message: 'kinds must not be longer than 1024 characters' })
  kinds?: string;
}

export class DeliveryLogRequest {
  @IsOptional()
  @IsString({ message: 'cursor must be one cursor of this log' })
  @MaxLength(64, { message: 'cursor must be one cursor of this log' })
  cursor?: string;
}

/** A module's own webhooks. What belongs to another client answers as what does not exist. */
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(
    private readonly webhooks: WebhookRepository,
    private readonly channel: WebhookChannel,
    private readonly log: DeliveryLogRepository,
    private readonly deliverer: Deliverer,
    private readonly outbound: OutboundHttp,
  ) {}

  @Post()
  @HttpCode(201)
  @ClientAuthentication()
  @Header('cache-control', 'no-store')
  async register(@Body() { url, kinds: text }: WebhookRegistration, @CurrentClient() client: ModuleClient) {
    requireModule(client);
    const kinds = text === undefined ? null : parseKinds(text);
    if (kinds === undefined) throw invalidRequest('kinds names an event kind that there is not.');
    const problem = await this.outbound.problem(url);
    if (problem !== undefined) throw invalidRequest(`The URL ${problem}.`);
    const created = await this.webhooks.create(client.id, { url, kinds });
    if (!created) {
      throw new PublicError(409, 'too_many_webhooks', `A client may have ${MAX_WEBHOOKS} webhooks.`);
    }
    return { ...shown(created.webhook), secret: created.secret };
  }

  @Get()
  @ClientAuthentication()
  @Header('cache-control', 'no-store')
  async list(@CurrentClient() client: ModuleClient) {
    requireModule(client);
    return { webhooks: (await this.webhooks.ofClient(client.id)).map(shown) };
  }

  @Delete(':id')
  @HttpCode(204)
  @ClientAuthentication()
  async remove(@Param('id') id: string, @CurrentClient() client: ModuleClient): Promise<void> {
    requireModule(client);
    if (!UUID.test(id) || !(await this.webhooks.remove(id, client.id))) throw unknownWebhook();
  }

  /** A new secret; deliveries are signed with the old one too until the overlap ends. */
  @Post(':id/secret')
  @HttpCode(200)
  @ClientAuthentication()
  @Header('cache-control', 'no-store')
  async rotateSecret(@Param('id') id: string, @CurrentClient() client: ModuleClient) {
    requireModule(client);
    const secret = UUID.test(id) ? await this.webhooks.rotateSecret(id, client.id) : undefined;
    if (secret === undefined) throw unknownWebhook();
    return { id, secret, overlap_seconds: SECRET_OVERLAP_SECONDS };
  }

  @Get(':id/deliveries')
  @ClientAuthentication()
  @Header('cache-control', 'no-store')
  async deliveries(
    @Param('id') id: string,
    @Query() { cursor }: DeliveryLogRequest,
    @CurrentClient() client: ModuleClient,
  ) {
    await this.webhookOf(client, id);
    const before = cursor === undefined ? undefined : parsePlace(cursor);
    if (cursor !== undefined && !before) throw invalidRequest('cursor must be one cursor of this log.');
    const rows = await this.log.page('webhook', id, before, PAGE + 1);
    const page = rows.slice(0, PAGE);
    const last = rows.length > PAGE ? page.at(-1) : undefined;
    return {
      deliveries: page.map(shownDelivery),
      next_cursor: last ? `${last.createdAt.getTime()}_${last.id}` : null,
      summary: shownMeasure(await this.log.measure('webhook', id)),
    };
  }

  @Post(':id/deliveries/:deliveryId/retry')
  @HttpCode(202)
  @ClientAuthentication()
  async retry(
    @Param('id') id: string,
    @Param('deliveryId') deliveryId: string,
    @CurrentClient() client: ModuleClient,
  ) {
    const webhook = await this.webhookOf(client, id);
    if (webhook.disabledAt) throw disabledWebhook();
    const due =
      UUID.test(deliveryId) &&
      (await this.webhooks.retry(id, client.id, deliveryId, this.channel.expiresAt()));
    if (!due) {
      throw new PublicError(404, 'unknown_delivery', 'There is no such delivery, or it is being sent now.');
    }
    this.deliverer.wake();
    return { id: deliveryId };
  }

  /** Sends an event of type `ping`; how it fares is in the log. */
  @Post(':id/ping')
  @HttpCode(202)
  @ClientAuthentication()
  async ping(@Param('id') id: string, @CurrentClient() client: ModuleClient) {
    await this.webhookOf(client, id);
    const deliveryId = await this.webhooks.ping(id, client.id, this.channel.expiresAt());
    if (deliveryId === undefined) throw disabledWebhook();
    this.deliverer.wake();
    return { id: deliveryId };
  }

  private async webhookOf(client: ModuleClient, id: string): Promise<Webhook> {
    requireModule(client);
    const webhook = UUID.test(id) ? await this.webhooks.find(id, client.id) : undefined;
    if (!webhook) throw unknownWebhook();
    return webhook;
  }
}

/** Who sends no secret may be anybody. */
function requireModule({ moduleKey, tokenEndpointAuthMethod }: ModuleClient): void {
  if (moduleKey === null || tokenEndpointAuthMethod === 'none') {
    throw new PublicError(403, 'access_denied', 'Only the confidential clients of modules have webhooks.');
  }
}

function invalidRequest(message: string): PublicError {
  return new PublicError(400, 'invalid_request', message);
}

function unknownWebhook(): PublicError {
  return new PublicError(404, 'unknown_webhook', 'There is no such webhook.');
}

function disabledWebhook(): PublicError {
  return new PublicError(409, 'webhook_disabled', 'Its receiver answered 410. Register it again.');
}

function parsePlace(cursor: string): LogPlace | undefined {
  const [, milliseconds, id = ''] = CURSOR.exec(cursor) ?? [];
  if (milliseconds === undefined || !UUID.test(id)) return undefined;
  const createdAt = new Date(Number(milliseconds));
  return { createdAt, id };
}

function shown({ id, url, kinds, createdAt, disabledAt }: Webhook) {
  return { id, url, kinds, created_at: createdAt, disabled_at: disabledAt };
}

function shownDelivery(delivery: LoggedDelivery) {
  const { deliveredAt, failedAt } = delivery;
  const settled = deliveredAt !== null || failedAt !== null;
  return {
    id: delivery.id,
    type: delivery.payload['kind'],
    state: deliveredAt ? 'delivered' : failedAt ? 'failed' : 'waiting',
    occurred_at: delivery.occurredAt,
    attempts: delivery.attempts,
    next_attempt_at: settled ? null : delivery.nextAttemptAt,
    delivered_at: deliveredAt,
    failed_at: failedAt,
    latency_ms: delivery.latencyMs,
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
  };
}

function shownMeasure(measure: DeliveryMeasure) {
  return {
    waiting: measure.waiting,
    oldest_waiting_seconds: measure.oldestWaitingSeconds,
    delivered: measure.delivered,
    failed: measure.failed,
    latency_p50_ms: measure.latencyP50Ms,
    latency_p95_ms: measure.latencyP95Ms,
  };
}
