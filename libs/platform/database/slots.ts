/** Lets at most `free` tasks run at the same time; the others wait their turn. */
export class Slots {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async with<T>(task: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await task();
    } finally {
      // the place is handed on, not given back, so that nobody who comes meanwhile gets in before
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}
