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
  private readonly forgetters = new Set<() => void>();
  private cursor = '';
  private history = '';
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

  /**
   * Called when the database goes on from another past than the one that was heard, as a backup or a standby does: of
   * what was heard something may not be so, and of what is so something was not heard.
   * @returns a function that ends it
   */
  whenHistoryEnds(forget: () => void): () => void {
    this.forgetters.add(forget);
    return () => this.forgetters.delete(forget);
  }

  /** False when the outbox has not answered for 5 s: caches must then ask the database. */
  isCurrent(): boolean {
    return Date.now() - this.heardAt < DEAF_AFTER;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { history, present } = await this.outbox.reach();
    this.history = history;
    this.cursor = present;
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
      await this.followHistory();
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

  private async followHistory(): Promise<void> {
    const { history, present } = await this.outbox.reach();
    if (history === this.history) return;
    this.logger.warn('the database goes on from another past: everything that was remembered is forgotten');
    this.history = history;
    this.cursor = present;
    for (const forget of this.forgetters) this.attempt(forget, 'the end of the history');
  }

  private tell(event: OutboxEvent): void {
    this.cursor = event.cursor;
    for (const listener of this.listeners) this.attempt(() => listener(event), event.kind);
  }

  private attempt(work: () => void, what: string): void {
    try {
      work();
    } catch (error) {
      this.logger.error(`a listener failed on ${what}`, error);
    }
  }
}
