import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { OutboxEvent } from './outbox-event.js';
import { OutboxRepository } from './outbox.repository.js';

const POLL_INTERVAL = 200;
const BATCH = 500;
/** After this long without an answer from the outbox, what this node remembers may be out of date. */
const DEAF_AFTER = 5000;

export type EventListener = (event: OutboxEvent) => void;

/** This node's ear: every event once, in order, within a poll of its becoming readable. */
@Injectable()
export class EventStream implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(EventStream.name);
  private readonly listeners = new Set<EventListener>();
  private cursor = '';
  private heardAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private polling: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly outbox: OutboxRepository) {}

  /** @returns a function that ends the subscription */
  subscribe(listener: EventListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** False when the outbox has not answered for 5 s: caches must then ask the database. */
  isCurrent(): boolean {
    return Date.now() - this.heardAt < DEAF_AFTER;
  }

  async onApplicationBootstrap(): Promise<void> {
    this.cursor = await this.outbox.position();
    this.heardAt = Date.now();
    this.schedule();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.polling;
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.polling = this.poll().finally(() => this.schedule());
    }, POLL_INTERVAL);
  }

  private async poll(): Promise<void> {
    try {
      let events: OutboxEvent[];
      do {
        events = await this.outbox.after(this.cursor, BATCH);
        for (const event of events) this.tell(event);
      } while (events.length === BATCH && !this.stopped);
      this.heardAt = Date.now();
    } catch (error) {
      if (this.isCurrent()) this.logger.warn(`the outbox cannot be read: ${(error as Error).message}`);
    }
  }

  private tell(event: OutboxEvent): void {
    this.cursor = event.cursor;
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        this.logger.error(`a listener failed on ${event.kind}`, error);
      }
    }
  }
}
