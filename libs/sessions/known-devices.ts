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
import { KnownDeviceRepository, type DeviceRow } from './known-device.repository.js';
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

  async find(userId: string, secrets: readonly string[]): Promise<KnownDevice | undefined> {
    if (secrets.length === 0) return undefined;
    const row = await this.devices.find(userId, secrets.map(sha256));
    return row && knownDevice(row, secrets);
  }

  /**
   * Notes the first sign-in from a device, complete as it is. It is told to the owner by mail, unless the account is
   * known nowhere else.
   * @param letIn the device that a link let in, which nobody has signed in from yet
   * @param firstSeenAt when the person was asked who they are
   * @returns the secret for the browser's cookie
   */
  async add(
    account: User,
    browser: Browser,
    letIn: KnownDevice | undefined,
    firstSeenAt: Date,
  ): Promise<string> {
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
      letIn?.id,
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
   * @param secret of its cookie, as a sign-in gave it
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

/** The one of the secrets that the device belongs to. */
export function knownDevice(row: DeviceRow, secrets: readonly string[]): KnownDevice | undefined {
  const secret = secrets.find((secret) => equalInConstantTime(sha256(secret), row.secret_sha256));
  return secret === undefined ? undefined : { id: row.id, secret };
}
