export { EventStream, type EventListener } from './event-stream.js';
export { EventsModule } from './events.module.js';
export { EVENT_KINDS, isAfter, parseCursor, type EventKind, type OutboxEvent } from './outbox-event.js';
export { OutboxRepository } from './outbox.repository.js';
