import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { TimedLoop } from '#platform';
import { SessionRepository } from './session.repository.js';

const INTERVAL = 2000;
const BATCH = 500;

/**
 * Ends the sessions whose time has passed, so that whoever they signed in to hears of it (Back-Channel Logout §2.4 is
 * told on expiry too). The idle time-out is none of this: it ends single sign-on until the person has signed in again,
 * and the session then goes on.
 */
@Injectable()
export class SessionExpiry implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(SessionExpiry.name);
  private readonly loop = new TimedLoop({
    interval: INTERVAL,
    work: (stopping) => this.expire(stopping),
    failed: ({ message }) => this.logger.warn(`sessions end later: ${message}`),
  });

  constructor(private readonly sessions: SessionRepository) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async expire(stopping: () => boolean): Promise<void> {
    let ended: number;
    do {
      ended = await this.sessions.expire(BATCH);
    } while (ended >= BATCH && !stopping());
  }
}
