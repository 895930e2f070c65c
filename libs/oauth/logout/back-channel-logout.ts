import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EventStream } from '#events';
import { IdTokens } from '#tokens';
import { LogoutDeliveryRepository, type LogoutDelivery } from './logout-delivery.repository.js';

const INTERVAL = 1000;
const TIMEOUT = 5000;
const AT_ONCE = 20;
const MAX_ATTEMPTS = 12;

/** OpenID Connect Back-Channel Logout §2.5: tells every client of an ended session, and tries again until it is told. */
@Injectable()
export class BackChannelLogout implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(BackChannelLogout.name);
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private unread = true;
  private stopped = false;

  constructor(
    private readonly deliveries: LogoutDeliveryRepository,
    private readonly idTokens: IdTokens,
    private readonly events: EventStream,
  ) {}

  onApplicationBootstrap(): void {
    this.events.subscribe(({ kind }) => {
      if (kind !== 'session-ended') return;
      this.unread = true;
      this.wake();
    });
    this.timer = setInterval(() => this.wake(), INTERVAL);
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.working;
  }

  private wake(): void {
    if (this.working || this.stopped) return;
    this.working = this.work()
      .catch((error: Error) => this.logger.warn(`logout deliveries wait: ${error.message}`))
      .finally(() => {
        this.working = undefined;
        if (this.unread) this.wake();
      });
  }

  private async work(): Promise<void> {
    if (this.unread) {
      this.unread = false;
      try {
        await this.deliveries.enqueue();
      } catch (error) {
        setTimeout(() => (this.unread = true), INTERVAL).unref();
        throw error;
      }
    }
    let due: LogoutDelivery[];
    do {
      due = await this.deliveries.lease(AT_ONCE);
      await Promise.all(due.map((delivery) => this.deliver(delivery)));
    } while (due.length === AT_ONCE && !this.stopped);
  }

  private async deliver(delivery: LogoutDelivery): Promise<void> {
    const { id, clientId, algorithm, url, sid, userId } = delivery;
    try {
      const response = await fetch(url, {
        method: 'POST',
        body: new URLSearchParams({
          logout_token: this.idTokens.issueLogout({ id: clientId, algorithm }, { sid, sub: userId }),
        }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT),
      });
      await response.body?.cancel();
      // §2.8: 200, or 204 which some frameworks send
      if (response.status !== 200 && response.status !== 204) throw new Error(`status ${response.status}`);
      await this.deliveries.succeed(id);
    } catch (error) {
      const final = delivery.attempts >= MAX_ATTEMPTS;
      const reason = error instanceof Error ? `${error.message} ${causeOf(error)}`.trim() : 'unknown error';
      this.logger.warn(`${clientId} was not told of a sign-out (attempt ${delivery.attempts}): ${reason}`);
      await this.deliveries.fail(id, reason, final);
    }
  }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? `(${error.cause.message})` : '';
}
