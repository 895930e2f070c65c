import { Injectable } from '@nestjs/common';

/** The time, injected so that tests can move it. */
@Injectable()
export class KitClock {
  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now();
  }
}
