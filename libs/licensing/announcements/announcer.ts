import { Injectable } from '@nestjs/common';
import { RepeatedWork } from '#platform';
import { AnnouncementRepository } from './announcement.repository.js';

const INTERVAL = 15_000;
/** Licenses of one statement. */
const BATCH = 500;

/** Announces, on every node, what time alone has brought about; what fails is tried again the next time. */
@Injectable()
export class Announcer extends RepeatedWork {
  constructor(private readonly announcements: AnnouncementRepository) {
    super({ interval: INTERVAL, failing: 'licenses are announced later', atOnce: true });
  }

  protected override work(stopping: () => boolean): Promise<number> {
    return this.announcements.announce(BATCH, stopping);
  }
}
