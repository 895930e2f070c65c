import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import {
  addSeconds,
  Clock,
  Configuration,
  MailSealer,
  randomSecret,
  randomUUID,
  sha256,
  TimedLoop,
} from '#platform';
import { isRead, unlockMail } from './security-mails.js';
import { UnlockRepository, type DelayedPerson, type UnlockLetter } from './unlock.repository.js';

const INTERVAL = 2000;
/** As long as no other letter is sent. */
const LINK_SECONDS = 86_400;

/**
 * Links that end a delay. Their letters are written apart from the tries that make them due, so that a try at an
 * account costs the same whether somebody has it or not.
 */
@Injectable()
export class Unlock implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Unlock.name);
  private readonly loop = new TimedLoop({
    interval: INTERVAL,
    work: (stopping) => this.write(stopping),
    failed: ({ message }) => this.logger.warn(`letters about delays are written later: ${message}`),
  });

  constructor(
    private readonly letters: UnlockRepository,
    private readonly mails: MailSealer,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  /**
   * @returns the secret for the browser's cookie, by which it may sign in at once; undefined when the link is none, has
   * been used or has expired
   */
  async open(token: string, address: string): Promise<string | undefined> {
    const secret = randomSecret();
    const device = { id: randomUUID(), secretSha256: sha256(secret) };
    const opened = await this.letters.open(sha256(token), device, address);
    return opened ? secret : undefined;
  }

  private async write(stopping: () => boolean): Promise<void> {
    while (!stopping() && (await this.letters.write((person) => this.letterTo(person))));
  }

  private letterTo(person: DelayedPerson): UnlockLetter | undefined {
    if (!isRead(person.email)) return undefined;
    const secret = randomSecret();
    const until = addSeconds(this.clock.now(), LINK_SECONDS);
    return {
      mail: this.mails.seal(unlockMail(person, { issuer: this.configuration.issuer, secret, until })),
      tokenId: randomUUID(),
      secretSha256: sha256(secret),
      expiresAt: until,
    };
  }
}
