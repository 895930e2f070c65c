/** The time, injected so that tests can move it. */
export class KitClock {
  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now();
  }
}
