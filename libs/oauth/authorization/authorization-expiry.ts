import { Injectable } from '@nestjs/common';
import { inBatches, RepeatedWork } from '#platform';
import { AuthorizationExpiryRepository } from './authorization-expiry.repository.js';

const INTERVAL = 2000;
const BATCH = 500;

/**
 * Ends what people were given for an organization once its limit of sessions has passed, wherever their session has
 * moved on to: the modules' guards hear of it, and hold its tokens for good no longer.
 */
@Injectable()
export class AuthorizationExpiry extends RepeatedWork {
  constructor(private readonly authorizations: AuthorizationExpiryRepository) {
    super({ interval: INTERVAL, failing: 'authorizations end later' });
  }

  protected override work(stopping: () => boolean): Promise<void> {
    return inBatches(BATCH, stopping, (size) => this.authorizations.expire(size));
  }
}
