import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { addSeconds, Clock, Configuration, TimedLoop } from '#platform';
import { RING_REREAD } from './key-lifecycle.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';

const DAY = 86_400;

/** Reads the keys again every minute, should no event have told that they changed, and rotates those whose time has come. */
@Injectable()
export class KeySchedule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(KeySchedule.name);
  private readonly loop = new TimedLoop({
    interval: RING_REREAD * 1000,
    work: () => this.look(),
    failed: ({ message }) => this.logger.warn(`the keys cannot be read: ${message}`),
  });

  constructor(
    private readonly ring: KeyRing,
    private readonly rotation: KeyRotation,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
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
