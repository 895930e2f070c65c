export { EventStream } from './event-stream.js';
export { EventsModule } from './events.module.js';
export type { OutboxEvent } from './outbox-event.js';
export { OutboxRepository } from './outbox.repository.js';
