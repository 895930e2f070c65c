import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DeliveryRepository, OutboxRepository, WebhookRepository } from '#events';
import {
  OfflineGrantRepository,
  SeatLeaseRepository,
  SeatReservationRepository,
  UsageRepository,
} from '#licensing';
import { ExpiryRepository, RegisteredClientRepository } from '#oauth';
import { addSeconds, Clock } from '#platform';
import { LockoutRepository } from '#sessions';
import { KeyRotation } from '#tokens';

const INTERVAL = 60_000;
const BATCH = 1000;
/** Events are kept until the last access token that they concern has expired, and an hour more. */
const OUTBOX_SECONDS = 90_000;
const LOGOUT_LOG_SECONDS = 86_400;
/** A week, in which somebody may look at the delivery log and send again. */
const WEBHOOK_LOG_SECONDS = 7 * 86_400;
/** A month, in which somebody may ask why a license file is refused. */
const OFFLINE_LOG_SECONDS = 30 * 86_400;

/** Removes what has expired, in small batches, so that nothing grows without end. */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Sweeper.name);
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> | undefined;

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly deliveries: DeliveryRepository,
    private readonly webhooks: WebhookRepository,
    private readonly expiry: ExpiryRepository,
    private readonly registeredClients: RegisteredClientRepository,
    private readonly lockout: LockoutRepository,
    private readonly keys: KeyRotation,
    private readonly offlineGrants: OfflineGrantRepository,
    private readonly clock: Clock,
    private readonly usage: UsageRepository,
    private readonly reservations: SeatReservationRepository,
    private readonly leases: SeatLeaseRepository,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping ??= this.sweep().finally(() => (this.sweeping = undefined));
    }, INTERVAL);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** One batch of each kind; what cannot be swept now keeps nothing else from being swept. */
  async sweep(): Promise<void> {
    const now = this.clock.now();
    const steps: Readonly<Record<string, () => Promise<unknown>>> = {
      outbox: () => this.outbox.prune(addSeconds(now, -OUTBOX_SECONDS), BATCH),
      logouts: () => this.deliveries.prune('logout', addSeconds(now, -LOGOUT_LOG_SECONDS), BATCH),
      deliveries: () => this.deliveries.prune('webhook', addSeconds(now, -WEBHOOK_LOG_SECONDS), BATCH),
      webhooks: () => this.webhooks.prune(BATCH),
      expired: () => this.expiry.prune(BATCH),
      clients: () => this.registeredClients.prune(BATCH),
      failures: () => this.lockout.prune(BATCH),
      keys: () => this.keys.prune(BATCH),
      usage: () => this.usage.prune(BATCH),
      reservations: () => this.reservations.prune(BATCH),
      leases: () => this.leases.prune(BATCH),
      files: () => this.offlineGrants.prune(addSeconds(now, -OFFLINE_LOG_SECONDS), BATCH),
    };
    for (const [what, step] of Object.entries(steps)) {
      await step().catch((error: Error) => this.logger.warn(`sweeping ${what} waits: ${error.message}`));
    }
  }
}
