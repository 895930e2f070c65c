import { Global, Module } from '@nestjs/common';
import { Deliverer } from './deliveries/deliverer.js';
import { DeliveryLogRepository } from './deliveries/delivery-log.repository.js';
import { DeliveryRepository } from './deliveries/delivery.repository.js';
import { EventFeed } from './event-feed.js';
import { EventFeedController } from './event-feed.controller.js';
import { EventStream } from './event-stream.js';
import { MailRepository } from './mails/mail.repository.js';
import { MailSender } from './mails/mail-sender.js';
import { OutboxReaderRepository } from './outbox-reader.repository.js';
import { OutboxRepository } from './outbox.repository.js';
import { WebhookChannel } from './webhooks/webhook-channel.js';
import { WebhookRepository } from './webhooks/webhook.repository.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';

@Global()
@Module({
  controllers: [EventFeedController, WebhooksController],
  providers: [
    Deliverer,
    DeliveryLogRepository,
    DeliveryRepository,
    EventFeed,
    EventStream,
    MailRepository,
    MailSender,
    OutboxReaderRepository,
    OutboxRepository,
    WebhookChannel,
    WebhookRepository,
  ],
  exports: [
    Deliverer,
    DeliveryLogRepository,
    DeliveryRepository,
    EventStream,
    MailRepository,
    OutboxReaderRepository,
    OutboxRepository,
    WebhookRepository,
  ],
})
export class EventsModule {}
