import { Injectable } from '@nestjs/common';
import type { SignInOrigin, User } from '#accounts';
import type { Actor } from '#observability';
import {
  addSeconds,
  Clock,
  Configuration,
  equalInConstantTime,
  MailSealer,
  randomSecret,
  randomUUID,
  sha256,
} from '#platform';
import { DEVICE_SECONDS } from './device-cookie.js';
import { KnownDeviceRepository } from './known-device.repository.js';
import { isRead, newDeviceMail } from './security-mails.js';

/** How long a device stands for a second factor. */
const FACTOR_SECONDS = 30 * 86_400;

export interface KnownDevice {
  readonly id: string;
  /** Of the browser's cookie. */
  readonly secret: string;
}

/** What a browser tells about itself, and from where. */
export interface Browser extends SignInOrigin {
  /** What its cookie holds. */
  readonly deviceSecrets: readonly string[];
}

/** The browsers that people have signed in from before. All of an account's are forgotten when its password changes. */
@Injectable()
export class KnownDevices {
  constructor(
    private readonly devices: KnownDeviceRepository,
    private readonly mails: MailSealer,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /** @param userId undefined where there is no such account, which takes as long */
  async find(userId: string | undefined, secrets: readonly string[]): Promise<KnownDevice | undefined> {
    if (secrets.length === 0) return undefined;
    const row = await this.devices.find(userId, secrets.map(sha256));
    const secret = row && secrets.find((secret) => equalInConstantTime(sha256(secret), row.secret_sha256));
    return row && secret !== undefined ? { id: row.id, secret } : undefined;
  }

  /**
   * Notes a sign-in that is complete. The first one from an unknown device is told to the owner by mail, unless the
   * account is known nowhere else.
   * @param firstSeenAt when the person was asked who they are, if the device is new
   * @returns the secret for the browser's cookie
   */
  async noteSignIn(
    account: User,
    browser: Browser,
    known: KnownDevice | undefined,
    firstSeenAt: Date,
  ): Promise<string> {
    if (known && (await this.devices.seenAgain(known.id))) return known.secret;
    const { address } = browser;
    const userAgent = browser.userAgent.slice(0, 256);
    const secret = randomSecret();
    const notice = isRead(account.email)
      ? this.mails.seal(
          newDeviceMail(account, { userAgent, address, at: this.clock.now() }, this.configuration.issuer),
        )
      : undefined;
    await this.devices.add(
      { id: randomUUID(), userId: account.id, secretSha256: sha256(secret), firstSeenAt },
      known?.id,
      notice,
      address,
    );
    return secret;
  }

  /** Whether this browser stands for the account's second factor. */
  async remembersFactor(userId: string, secrets: readonly string[]): Promise<boolean> {
    return secrets.length > 0 && this.devices.remembersFactor(userId, secrets.map(sha256));
  }

  /**
   * From now on this browser stands for the account's second factor, for 30 days at most: less when a factor or the
   * password changes.
   * @param secret as `noteSignIn` returned it
   * @returns false when the device has been forgotten meanwhile
   */
  async rememberFactor(userId: string, secret: string, by: Actor): Promise<boolean> {
    const until = addSeconds(this.clock.now(), FACTOR_SECONDS);
    return this.devices.rememberFactor(userId, sha256(secret), until, by);
  }

  /** Removes up to `limit` devices that nobody uses any more. */
  async prune(limit: number): Promise<void> {
    await this.devices.prune(addSeconds(this.clock.now(), -DEVICE_SECONDS), limit);
  }
}
