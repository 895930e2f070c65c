import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
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
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly sessions: SessionRepository) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.working ??= this.expire()
        .catch((error: Error) => this.logger.warn(`sessions end later: ${error.message}`))
        .finally(() => (this.working = undefined));
    }, INTERVAL);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.working;
  }

  private async expire(): Promise<void> {
    let ended: number;
    do {
      ended = await this.sessions.expire(BATCH);
    } while (ended === BATCH && !this.stopped);
  }
}
