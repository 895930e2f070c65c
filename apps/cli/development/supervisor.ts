import { LaunchError } from './launch-error.js';

type Stop = () => Promise<void> | void;

/**
 * What runs, to be ended in reverse order: on Ctrl-C or SIGTERM without a fault, and when a part of it ends by itself
 * with one.
 */
export class Supervisor {
  private readonly stops: Stop[] = [];
  private readonly controller = new AbortController();
  private failure: Error | undefined;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => this.controller.abort());
    }
    // whoever started us over IPC has died
    process.on('disconnect', () => this.controller.abort());
  }

  /** Aborted once everything is to end: every step of a launch looks at it before it goes on. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Remembers how to end something that has just been started. */
  onStop(stop: Stop): void {
    this.stops.push(stop);
  }

  /** A part of the system ended by itself; the first one is the reason that is given. */
  partEnded(sentence: string): void {
    if (this.signal.aborted) return;
    this.failure = new LaunchError(sentence);
    this.controller.abort();
  }

  /**
   * Runs `launch`, waits for a signal, then ends everything.
   * @throws what the launch threw, or why a part ended by itself, after everything has ended
   */
  async run(launch: () => Promise<void>): Promise<void> {
    try {
      await launch();
      await this.aborted();
    } catch (error) {
      if (!this.signal.aborted) throw error;
    } finally {
      await this.stopAll();
    }
    if (this.failure) throw this.failure;
  }

  private aborted(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  private async stopAll(): Promise<void> {
    for (let stop = this.stops.pop(); stop; stop = this.stops.pop()) await stop();
  }
}
