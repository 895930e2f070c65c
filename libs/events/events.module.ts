import { Global, Module } from '@nestjs/common';
import { EventFeed } from './event-feed.js';
import { EventFeedController } from './event-feed.controller.js';
import { EventStream } from './event-stream.js';
import { OutboxRepository } from './outbox.repository.js';

@Global()
@Module({
  controllers: [EventFeedController],
  providers: [OutboxRepository, EventStream, EventFeed],
  exports: [OutboxRepository, EventStream],
})
export class EventsModule {}
