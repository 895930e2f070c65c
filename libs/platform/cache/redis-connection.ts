import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { createClient, type RedisClientType } from 'redis';

const COMMAND_TIMEOUT = 100;

export class RedisUnavailable extends Error {
  constructor(cause: unknown) {
    super('Redis does not answer', { cause });
    this.name = 'RedisUnavailable';
  }
}

/** One connection that never holds a request up: a command is answered within 100 ms or fails. */
@Injectable()
export class RedisConnection implements OnApplicationShutdown {
  private readonly logger = new Logger(RedisConnection.name);
  readonly client: RedisClientType | undefined;
  private down = false;

  constructor(url: string | undefined) {
    if (!url) return;
    this.client = createClient({
      url,
      disableOfflineQueue: true,
      pingInterval: 5000,
      socket: { connectTimeout: 500, reconnectStrategy: (tries) => Math.min(50 * 2 ** tries, 1000) },
    });
    this.client.on('error', (error: Error) => this.noteDown(error));
    this.client.on('ready', () => this.noteUp());
    // boot does not wait for Redis: without it the system is slower, not down
    void this.client.connect().catch((error: Error) => this.noteDown(error));
  }

  get configured(): boolean {
    return this.client !== undefined;
  }

  get ready(): boolean {
    return this.client?.isReady === true && !this.down;
  }

  /** @throws RedisUnavailable when there is no Redis, it is down, or it has not answered within 100 ms */
  async run<T>(command: (client: RedisClientType) => Promise<T>): Promise<T> {
    if (!this.client?.isReady) throw new RedisUnavailable('not connected');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${COMMAND_TIMEOUT} ms`)), COMMAND_TIMEOUT);
    });
    try {
      return await Promise.race([command(this.client), late]);
    } catch (error) {
      throw new RedisUnavailable(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.client?.isOpen) await this.client.disconnect();
  }

  private noteDown(error: Error): void {
    if (!this.down)
      this.logger.warn(`Redis is not reachable (${error.message}); limits hold per process until it is back`);
    this.down = true;
  }

  private noteUp(): void {
    if (this.down) this.logger.log('Redis is reachable again');
    this.down = false;
  }
}
