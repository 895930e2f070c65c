/** Lets at most `permits` tasks run at the same time; the others wait their turn. */
export class Semaphore {
  private readonly queue: (() => void)[] = [];

  constructor(private permits: number) {}

  /** How many tasks wait. */
  get waiting(): number {
    return this.queue.length;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.permits > 0) this.permits -= 1;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
    try {
      return await task();
    } finally {
      // the permit is handed on, not given back, so that nobody who comes meanwhile gets in before
      const next = this.queue.shift();
      if (next) next();
      else this.permits += 1;
    }
  }
}
