import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { TimedLoop } from '#platform';
import { AuthorizationExpiryRepository } from './authorization-expiry.repository.js';

const INTERVAL = 2000;
const BATCH = 500;

/**
 * Ends what people were given for an organization once its limit of sessions has passed, wherever their session has
 * moved on to: the modules' guards hear of it, and hold its tokens for good no longer.
 */
@Injectable()
export class AuthorizationExpiry implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(AuthorizationExpiry.name);
  private readonly loop = new TimedLoop({
    interval: INTERVAL,
    work: (stopping) => this.expire(stopping),
    failed: ({ message }) => this.logger.warn(`authorizations end later: ${message}`),
  });

  constructor(private readonly authorizations: AuthorizationExpiryRepository) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async expire(stopping: () => boolean): Promise<void> {
    let ended: number;
    do {
      ended = await this.authorizations.expire(BATCH);
    } while (ended >= BATCH && !stopping());
  }
}
