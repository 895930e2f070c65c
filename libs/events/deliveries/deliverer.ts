import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { addSeconds, Clock, randomFraction } from '#platform';
import { EventStream } from '../event-stream.js';
import { OutboxReaderRepository } from '../outbox-reader.repository.js';
import { retryDelay, type Attempt, type Delivery, type DeliveryChannel } from './delivery.js';
import { DeliveryRepository } from './delivery.repository.js';

const INTERVAL = 1000;
/** Of this node: those that hang must leave room for the others. */
const AT_ONCE = 200;
const AT_ONCE_PER_TARGET = 4;

/** Sends what is due, kind by kind, and tries again until it arrives or is given up. */
@Injectable()
export class Deliverer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Deliverer.name);
  private readonly channels = new Map<string, DeliveryChannel>();
  /** Channels whose reader may have events to read. */
  private readonly unread = new Set<DeliveryChannel>();
  private readonly sending = new Set<Promise<void>>();
  /** How many are being sent, by target. */
  private readonly busy = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(
    private readonly deliveries: DeliveryRepository,
    private readonly reader: OutboxReaderRepository,
    private readonly events: EventStream,
    private readonly clock: Clock,
  ) {}

  /** To be called before the application starts. */
  register(channel: DeliveryChannel): void {
    this.channels.set(channel.kind, channel);
    this.unread.add(channel);
  }

  onApplicationBootstrap(): void {
    this.events.subscribe(({ kind }) => {
      const heard = [...this.channels.values()].filter((channel) => channel.hears(kind));
      for (const channel of heard) this.unread.add(channel);
      if (heard.length > 0) this.wake();
    });
    this.timer = setInterval(() => this.wake(), INTERVAL);
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.working;
    await Promise.all(this.sending);
  }

  /** Looks for what is due now; it also does so every second. */
  wake(): void {
    if (this.stopped) return;
    if (this.working) {
      this.again = true;
      return;
    }
    this.again = false;
    this.working = this.work()
      .catch((error: Error) => this.logger.warn(`deliveries wait: ${error.message}`))
      .finally(() => {
        this.working = undefined;
        if (this.again) this.wake();
      });
  }

  private async work(): Promise<void> {
    for (const channel of [...this.unread]) await this.read(channel);
    let leased: Delivery[];
    do {
      leased = await this.lease();
      for (const delivery of leased) this.start(delivery);
    } while (leased.length > 0 && !this.stopped);
  }

  private async read(channel: DeliveryChannel): Promise<void> {
    // before it is read: what comes meanwhile marks it again
    this.unread.delete(channel);
    try {
      let more = true;
      while (more && !this.stopped) {
        more = await this.reader.advance(channel.reader, (events, transaction) =>
          channel.enqueue(events, transaction),
        );
      }
    } catch (error) {
      // at the next tick, and not at once; what is due already is sent meanwhile
      this.unread.add(channel);
      this.logger.warn(`${channel.kind} deliveries are not enqueued: ${(error as Error).message}`);
    }
  }

  private async lease(): Promise<Delivery[]> {
    const limit = AT_ONCE - this.sending.size;
    if (limit <= 0 || this.stopped) return [];
    return this.deliveries.lease({
      kinds: [...this.channels.values()].map(({ kind }) => kind),
      limit,
      perTarget: AT_ONCE_PER_TARGET,
      busy: [...this.busy.keys()],
    });
  }

  private start(delivery: Delivery): void {
    const { target } = delivery;
    this.busy.set(target, (this.busy.get(target) ?? 0) + 1);
    const sending = this.attempt(delivery)
      .catch((error: Error) => this.logger.warn(`delivery ${delivery.id} is not settled: ${error.message}`))
      .finally(() => {
        this.sending.delete(sending);
        const left = (this.busy.get(target) ?? 1) - 1;
        if (left > 0) this.busy.set(target, left);
        else {
          this.busy.delete(target);
          this.wake();
        }
      });
    this.sending.add(sending);
  }

  private async attempt(delivery: Delivery): Promise<void> {
    const channel = this.channels.get(delivery.kind);
    if (!channel) throw new Error(`nobody sends deliveries of kind ${delivery.kind}`);
    const outcome = await channel.send(delivery).catch(
      // a fault of ours: it is tried again like any other, and is in the log
      (error: Error): Attempt => ({ delivered: false, reason: `internal: ${error.message}` }),
    );
    if (outcome.delivered) {
      await this.deliveries.succeed(delivery, outcome.status);
      return;
    }
    const { status, reason } = outcome;
    const retryAt = this.retryAt(delivery, outcome, channel);
    this.logger.warn(
      `${delivery.kind} to ${delivery.target} failed (attempt ${delivery.attempts}${retryAt ? '' : ', the last'}): ${reason}`,
    );
    await this.deliveries.fail(delivery, { status, reason, retryAt });
  }

  /** When to try again, or null when not. */
  private retryAt(
    { attempts, expiresAt }: Delivery,
    outcome: Attempt & { delivered: false },
    { maxAttempts, longestDelay }: DeliveryChannel,
  ): Date | null {
    if (outcome.final || attempts >= maxAttempts) return null;
    const delay = Math.max(retryDelay(attempts, longestDelay, randomFraction()), outcome.retryAfter ?? 0);
    const at = addSeconds(this.clock.now(), delay);
    return at > expiresAt ? null : at;
  }
}
