import { Injectable } from '@nestjs/common';
import { inBatches, RepeatedWork } from '#platform';
import { SessionRepository } from './session.repository.js';

const INTERVAL = 2000;
const BATCH = 500;

/**
 * Ends the sessions whose time has passed, so that whoever they signed in to hears of it (Back-Channel Logout §2.4 is
 * told on expiry too). The idle time-out is none of this: it ends single sign-on until the person has signed in again,
 * and the session then goes on.
 */
@Injectable()
export class SessionExpiry extends RepeatedWork {
  constructor(private readonly sessions: SessionRepository) {
    super({ interval: INTERVAL, failing: 'sessions end later' });
  }

  protected override work(stopping: () => boolean): Promise<void> {
    return inBatches(BATCH, stopping, (size) => this.sessions.expire(size));
  }
}
