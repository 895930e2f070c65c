import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { AnnouncementRepository } from './announcement.repository.js';

const INTERVAL = 15_000;
/** Licenses of one statement. */
const BATCH = 500;

/** Announces, on every node, what time alone has brought about; what fails is tried again the next time. */
@Injectable()
export class Announcer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Announcer.name);
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly announcements: AnnouncementRepository) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.begin(), INTERVAL);
    this.timer.unref();
    // what became due while nobody was there need not wait longer
    this.begin();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.working;
  }

  private begin(): void {
    this.working ??= this.announcements
      .announce(BATCH, () => this.stopped)
      .then(() => undefined)
      .catch((error: Error) => this.logger.warn(`licenses are announced later: ${error.message}`))
      .finally(() => (this.working = undefined));
  }
}
