/** Runs one piece of work per key at a time: whoever asks meanwhile gets the same answer. */
export class SingleFlight<Result> {
  private readonly running = new Map<string, Promise<Result>>();

  run(key: string, work: () => Promise<Result>): Promise<Result> {
    const already = this.running.get(key);
    if (already) return already;
    const started = work().finally(() => {
      if (this.running.get(key) === started) this.running.delete(key);
    });
    this.running.set(key, started);
    return started;
  }

  /** Of the work under way. */
  keys(): Iterable<string> {
    return this.running.keys();
  }

  isRunning(key: string): boolean {
    return this.running.has(key);
  }

  /** Who asks from now on starts anew; work under way still answers those who asked before. */
  forget(key: string): void {
    this.running.delete(key);
  }
}
