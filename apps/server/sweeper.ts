import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { OutboxRepository } from '#events';
import { ExpiryRepository } from '#oauth';
import { addSeconds, Clock } from '#platform';
import { LockoutRepository } from '#sessions';

const INTERVAL = 60_000;
const BATCH = 1000;
/** Events are kept until the last access token that they concern has expired, and an hour more. */
const OUTBOX_SECONDS = 90_000;

/** Removes what has expired, in small batches, so that nothing grows without end. */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Sweeper.name);
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly expiry: ExpiryRepository,
    private readonly lockout: LockoutRepository,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping = this.sweep().catch((error: Error) =>
        this.logger.warn(`sweeping waits: ${error.message}`),
      );
    }, INTERVAL);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** One batch of each kind. */
  async sweep(): Promise<void> {
    await this.outbox.prune(addSeconds(this.clock.now(), -OUTBOX_SECONDS), BATCH);
    await this.expiry.prune(BATCH);
    await this.lockout.prune(BATCH);
  }
}
