export interface TimedLoopOptions {
  /** Milliseconds from the beginning of one run to that of the next; a run that is not over by then skips it. */
  readonly interval: number;
  /** `stopping` says whether a long run should end early. */
  readonly work: (stopping: () => boolean) => Promise<unknown>;
  /** Told of a run that failed; the next one comes all the same. */
  readonly failed: (error: Error) => void;
}

/** Work that a process does again and again beside its requests: never twice at once, and not cut off by its end. */
export class TimedLoop {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly options: TimedLoopOptions) {}

  /** The first run comes after one interval. */
  start(): void {
    this.timer = setInterval(() => this.begin(), this.options.interval);
    // what waits for its turn keeps no process alive
    this.timer.unref();
  }

  /** As `start`, but the first run comes now: what became due while nobody was there need not wait longer. */
  startNow(): void {
    this.start();
    this.begin();
  }

  /** No run begins any more. @returns when the one that had begun is over */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  private begin(): void {
    this.running ??= this.run().finally(() => (this.running = undefined));
  }

  private async run(): Promise<void> {
    try {
      await this.options.work(() => this.stopped);
    } catch (error) {
      this.options.failed(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
