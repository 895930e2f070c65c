import { Injectable } from '@nestjs/common';
import {
  addSeconds,
  Clock,
  Configuration,
  MailSealer,
  randomSecret,
  randomUUID,
  RepeatedWork,
  sha256,
} from '#platform';
import { isRead, unlockMail } from './security-mails.js';
import { UnlockRepository, type DelayedPerson, type UnlockMail } from './unlock.repository.js';

const INTERVAL = 2000;
/** As long as no other mail is sent. */
const LINK_SECONDS = 86_400;

/**
 * Links that end a delay. Their mails are written apart from the tries that make them due, so that a try at an
 * account costs the same whether somebody has it or not.
 */
@Injectable()
export class Unlock extends RepeatedWork {
  constructor(
    private readonly repository: UnlockRepository,
    private readonly sealer: MailSealer,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {
    super({ interval: INTERVAL, failing: 'mails about delays are written later' });
  }

  /** Whether a link could be used at this moment; to look uses nothing. */
  async isOpen(token: string): Promise<boolean> {
    return this.repository.isOpen(sha256(token));
  }

  /**
   * @returns the secret for the browser's cookie, by which it may sign in at once; undefined when the link is none, has
   * been used or has expired
   */
  async open(token: string, address: string): Promise<string | undefined> {
    const secret = randomSecret();
    const device = { id: randomUUID(), secretSha256: sha256(secret) };
    const opened = await this.repository.open(sha256(token), device, address);
    return opened ? secret : undefined;
  }

  protected override async work(stopping: () => boolean): Promise<void> {
    while (!stopping() && (await this.repository.write((person) => this.mailTo(person))));
  }

  private mailTo(person: DelayedPerson): UnlockMail | undefined {
    if (!isRead(person.email)) return undefined;
    const secret = randomSecret();
    const until = addSeconds(this.clock.now(), LINK_SECONDS);
    return {
      sealed: this.sealer.seal(unlockMail(person, { issuer: this.configuration.issuer, secret, until })),
      tokenId: randomUUID(),
      secretSha256: sha256(secret),
      expiresAt: until,
    };
  }
}
