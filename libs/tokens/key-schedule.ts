import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { addSeconds, Clock, Configuration } from '#platform';
import { RING_REREAD } from './key-lifecycle.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';

const DAY = 86_400;

/** Reads the keys again every minute, should no event have told that they changed, and rotates those whose time has come. */
@Injectable()
export class KeySchedule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(KeySchedule.name);
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly ring: KeyRing,
    private readonly rotation: KeyRotation,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.looking = this.look().catch((error: Error) =>
        this.logger.warn(`the keys cannot be read: ${error.message}`),
      );
    }, RING_REREAD * 1000);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  async look(): Promise<void> {
    await this.ring.reload();
    const { keyRotationDays } = this.configuration;
    if (keyRotationDays === 0) return;
    // several nodes find the same at once: the statement that publishes lets one of them through
    const since = addSeconds(this.clock.now(), -keyRotationDays * DAY);
    for (const kind of this.ring.kindsSigningSince(since)) await this.rotation.rotate(kind, 'system', since);
  }
}
