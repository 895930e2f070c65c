import { Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { TimedLoop } from './timed-loop.js';

export interface RepeatedWorkOptions {
  /** Milliseconds. */
  readonly interval: number;
  /** What a run that failed means, for the log: `sessions end later`. */
  readonly failing: string;
  /** Whether the first run comes at once. */
  readonly atOnce?: boolean;
}

/** What a node does again and again for as long as it runs. */
export abstract class RepeatedWork implements OnApplicationBootstrap, BeforeApplicationShutdown {
  protected readonly logger = new Logger(this.constructor.name);
  private readonly loop: TimedLoop;
  private readonly atOnce: boolean;

  constructor({ interval, failing, atOnce = false }: RepeatedWorkOptions) {
    this.atOnce = atOnce;
    this.loop = new TimedLoop({
      interval,
      work: (stopping) => this.work(stopping),
      failed: ({ message }) => this.logger.warn(`${failing}: ${message}`),
    });
  }

  onApplicationBootstrap(): void {
    if (this.atOnce) this.loop.startNow();
    else this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  /** One run. @param stopping whether a long one should end early */
  protected abstract work(stopping: () => boolean): Promise<unknown>;
}

/** Batch after batch, until one finds fewer than it may take. @param take returns how many it took */
export async function inBatches(
  size: number,
  stopping: () => boolean,
  take: (size: number) => Promise<number>,
): Promise<void> {
  while ((await take(size)) >= size && !stopping());
}
