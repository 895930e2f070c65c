/** A host's clock that is moved ahead by this much, as after it slept, has taken everything remembered with it. */
const LEAP_MS = 1000;
/** Core Auth's nodes may differ by this much, and an answer be as long on its way, before its earlier word is dropped. */
const TOLERANCE_MS = 10_000;

/**
 * The time, injected so that tests can move it. What is decided by an instant asks `now`, which does not fall behind
 * what Core Auth has told when the host's clock is set back; how old something is, `elapsed` tells, which never goes
 * back at all.
 */
export class KitClock {
  private told: { readonly instant: number; readonly ticks: number } | undefined;
  private offset: number | undefined;
  private slept = 0;

  /** Milliseconds since the epoch: by the host's clock, and never before Core Auth's, as far as it has been heard. */
  now(): number {
    return Math.max(this.host(), this.toldNow());
  }

  /** Milliseconds from some moment on, to measure ages with: rises with time alone, and over a sleep of the host. */
  elapsed(): number {
    const ticks = this.ticks();
    const offset = this.host() - ticks;
    const leap = offset - (this.offset ?? offset);
    if (this.offset === undefined || Math.abs(leap) >= LEAP_MS) {
      this.offset = offset;
      this.slept += Math.max(0, leap);
    }
    return ticks + this.slept;
  }

  /** Core Auth says what time it is: an HTTP date (RFC 9110 section 6.6.1), which is in the past by a second at most. */
  hear(date: string | null): void {
    const instant = Date.parse(date ?? '');
    if (Number.isNaN(instant)) return;
    const known = this.toldNow();
    if (instant > known || instant < known - TOLERANCE_MS) this.told = { instant, ticks: this.ticks() };
  }

  private toldNow(): number {
    return this.told === undefined ? -Infinity : this.told.instant + (this.ticks() - this.told.ticks);
  }

  /** The host's clock, which may be set to anything. */
  protected host(): number {
    return Date.now();
  }

  /** Milliseconds that only ever rise; while the host sleeps they may stand still. */
  protected ticks(): number {
    return performance.now();
  }
}
