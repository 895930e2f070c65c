import { KitClock } from '../clock.js';
import type { ResolvedOptions } from '../options.js';

/** Whether the event stream can be relied on, and since when without a gap. */
export class StreamHealth {
  private lastHeardAt = -Infinity;
  private since: { readonly at: number; readonly elapsed: number } | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly clock: KitClock,
  ) {}

  /** Bytes came: an event or a heartbeat. */
  heard(): void {
    this.lastHeardAt = this.clock.elapsed();
  }

  /** The stream began, or went on after the last event that was heard (`resumed`: nothing was missed). */
  ready(resumed: boolean): void {
    this.heard();
    if (!resumed || this.since === undefined) this.since = this.moment();
  }

  /** Something heard had to be forgotten early: what was issued before now is to be asked about again. */
  forgot(): void {
    if (this.since !== undefined) this.since = this.moment();
  }

  /** The place in the stream is lost: what happened meanwhile is not known. */
  lost(): void {
    this.since = undefined;
    this.lastHeardAt = -Infinity;
  }

  /** True while the stream has not been silent for longer than `streamSilenceMs`. */
  get hearing(): boolean {
    return this.since !== undefined && this.clock.elapsed() - this.lastHeardAt < this.options.streamSilenceMs;
  }

  /** When bytes came last, as `KitClock.elapsed`; undefined when none have, or the place was lost. */
  get heardAt(): number | undefined {
    return Number.isFinite(this.lastHeardAt) ? this.lastHeardAt : undefined;
  }

  /** Milliseconds since the epoch from when on every event has been heard; Infinity when there is no such moment. */
  get heardSince(): number {
    return this.since?.at ?? Infinity;
  }

  /** The same moment as `KitClock.elapsed`. */
  get heardSinceElapsed(): number {
    return this.since?.elapsed ?? Infinity;
  }

  private moment(): { at: number; elapsed: number } {
    return { at: this.clock.now(), elapsed: this.clock.elapsed() };
  }
}
