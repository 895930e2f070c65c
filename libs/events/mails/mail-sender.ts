import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { addSeconds, Clock, Configuration, MailNotSent, MailSealer, randomFraction, Smtp } from '#platform';
import { retryDelay } from '../deliveries/delivery.js';
import { MailRepository, type LeasedMail } from './mail.repository.js';

const INTERVAL = 1000;
/** Of this node. */
const AT_ONCE = 20;
/** seconds */
const LONGEST_DELAY = 3600;
/** After a day its links lead nowhere, and its news are none. */
const GIVEN_UP_AFTER = 86_400;

/** What an installation without a mail server cannot do, for whoever starts it. */
const WITHOUT_SMTP =
  'No mail leaves: CORE_AUTH_SMTP_URL is not set. Nobody can register, be invited, reset a forgotten password, prove an address or end a delay by a link, and nobody is told of changes to their account.';

/** Sends the mail that is due, and tries again for a day. */
@Injectable()
export class MailSender implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(MailSender.name);
  private readonly smtp: Smtp | undefined;
  private readonly sending = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private stopped = false;
  private begun = false;

  constructor(
    private readonly mails: MailRepository,
    private readonly sealer: MailSealer,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {
    const { smtpUrl } = configuration;
    this.smtp = smtpUrl === undefined ? undefined : new Smtp(smtpUrl, configuration);
  }

  onApplicationBootstrap(): void {
    if (!this.configuration.sendsMail) this.logger.warn(WITHOUT_SMTP);
    if (this.smtp) this.timer = setInterval(() => this.wake(), INTERVAL);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.working;
    await Promise.all(this.sending);
    this.smtp?.close();
  }

  /** Looks at once for mail that is due, which the timer does every second. */
  wake(): void {
    this.working ??= this.work()
      .catch((error: Error) => this.logger.warn(`mail waits: ${error.message}`))
      .finally(() => (this.working = undefined));
  }

  private async work(): Promise<void> {
    if (!this.begun) await this.mails.leaveToMailbox();
    this.begun = true;
    let leased: LeasedMail[];
    do {
      const room = AT_ONCE - this.sending.size;
      leased = room > 0 && !this.stopped ? await this.mails.lease(room) : [];
      for (const mail of leased) {
        const sending: Promise<void> = this.attempt(mail)
          .catch((error: Error) => this.logger.warn(`mail ${mail.id} is not settled: ${error.message}`))
          .finally(() => this.sending.delete(sending));
        this.sending.add(sending);
      }
    } while (leased.length > 0);
  }

  private async attempt(leased: LeasedMail): Promise<void> {
    try {
      await this.send(leased);
    } catch (error) {
      // a fault of ours, such as a missing key: it is tried again like any other
      const { message, final = false } = error as Error & Partial<MailNotSent>;
      const retryAt = final ? null : this.retryAt(leased);
      const last = retryAt ? '' : ', the last';
      this.logger.warn(`mail ${leased.id} was not sent (attempt ${leased.attempts}${last}): ${message}`);
      return this.mails.fail(leased, message, retryAt);
    }
    await this.mails.succeed(leased);
  }

  private async send(leased: LeasedMail): Promise<void> {
    const { id, createdAt } = leased;
    if (this.clock.now() > addSeconds(createdAt, GIVEN_UP_AFTER)) throw new MailNotSent('a day old', true);
    await this.smtp?.send({ id, createdAt, mail: this.sealer.open(leased) });
  }

  /** When to try again, or null when not. */
  private retryAt({ attempts, createdAt }: LeasedMail): Date | null {
    const at = addSeconds(this.clock.now(), retryDelay(attempts, LONGEST_DELAY, randomFraction()));
    return at > addSeconds(createdAt, GIVEN_UP_AFTER) ? null : at;
  }
}
