import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Configuration, RepeatedWork } from '#platform';
import { RING_REREAD } from './key-lifecycle.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';

const DAY = 86_400;

/** Reads the keys again every minute, should no event have told that they changed, and rotates those whose time has come. */
@Injectable()
export class KeySchedule extends RepeatedWork {
  constructor(
    private readonly ring: KeyRing,
    private readonly rotation: KeyRotation,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {
    super({ interval: RING_REREAD * 1000, failing: 'the keys cannot be read' });
  }

  protected override work(): Promise<void> {
    return this.look();
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
