import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { TimedLoop } from '#platform';
import { AnnouncementRepository } from './announcement.repository.js';

const INTERVAL = 15_000;
/** Licenses of one statement. */
const BATCH = 500;

/** Announces, on every node, what time alone has brought about; what fails is tried again the next time. */
@Injectable()
export class Announcer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Announcer.name);
  private readonly loop = new TimedLoop({
    interval: INTERVAL,
    work: (stopping) => this.announcements.announce(BATCH, stopping),
    failed: ({ message }) => this.logger.warn(`licenses are announced later: ${message}`),
  });

  constructor(private readonly announcements: AnnouncementRepository) {}

  onApplicationBootstrap(): void {
    this.loop.startNow();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
