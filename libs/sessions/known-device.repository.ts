import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Clock, Database, sql, type SealedMail } from '#platform';

export interface NewDevice {
  readonly id: string;
  readonly userId: string;
  readonly secretSha256: Buffer;
  /** When the person was asked for the password, or showed a passkey. */
  readonly firstSeenAt: Date;
}

export interface DeviceRow {
  id: string;
  secret_sha256: Buffer;
}

/** Of one account; the one that was longest unused makes room. */
const MOST_DEVICES = 20;

/** Browsers that an account has signed in from. Times are the clock's. */
@Injectable()
export class KnownDeviceRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** The device of this account that one of the secrets belongs to. */
  async find(userId: string, secretsSha256: readonly Buffer[]): Promise<DeviceRow | undefined> {
    const [device] = await this.database.query<DeviceRow>(sql`
      SELECT d.id, d.secret_sha256 FROM known_devices d
        -- one that signed in while the password was changed is as forgotten as the others
        JOIN users u ON u.id = d.user_id AND u.password_changed_at <= d.first_seen_at
       WHERE d.secret_sha256 = ANY(${secretsSha256}::bytea[]) AND d.user_id = ${userId}`);
    return device;
  }

  /**
   * A first sign-in from a device, which replaces one that was let in and has none yet. The notice leaves if the
   * account is known at another device already.
   * @param address the network address that it came from
   */
  async add(
    device: NewDevice,
    letIn: string | undefined,
    notice: SealedMail | undefined,
    address: string,
  ): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      WITH others AS (
        SELECT id FROM known_devices
         WHERE user_id = ${device.userId} AND id IS DISTINCT FROM ${letIn ?? null}::uuid AND last_seen_at IS NOT NULL
      ), forgotten AS (
        DELETE FROM known_devices
         WHERE user_id = ${device.userId} AND (id = ${letIn ?? null}::uuid OR id IN (
                 SELECT id FROM known_devices WHERE user_id = ${device.userId}
                  ORDER BY coalesce(last_seen_at, first_seen_at) DESC, id OFFSET ${MOST_DEVICES - 1}))
      ), added AS (
        INSERT INTO known_devices (id, user_id, secret_sha256, first_seen_at, last_seen_at)
        VALUES (${device.id}, ${device.userId}, ${device.secretSha256}, ${device.firstSeenAt}, ${now})
        RETURNING id, user_id
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope)
        SELECT ${notice?.id ?? null}::uuid, ${notice?.envelope ?? null}::text
         WHERE ${notice !== undefined}::boolean AND EXISTS (SELECT FROM others)
      )
      INSERT INTO audit_events (act, actor, target, address, detail)
      SELECT 'device.add', user_id::text, id::text, ${address},
             jsonb_build_object('others', (SELECT count(*) FROM others)) FROM added`);
  }

  /** @returns whether a second factor is remembered at one of these devices */
  async remembersFactor(userId: string, secretsSha256: readonly Buffer[]): Promise<boolean> {
    const remembering = await this.database.query(sql`
      SELECT FROM known_devices d JOIN users u ON u.id = d.user_id AND u.password_changed_at <= d.first_seen_at
       WHERE d.secret_sha256 = ANY(${secretsSha256}::bytea[]) AND d.user_id = ${userId}
         AND d.remembered_until > ${this.clock.now()}`);
    return remembering.length > 0;
  }

  /** @returns false when the account is not known at this device */
  async rememberFactor(userId: string, secretSha256: Buffer, until: Date, by: Actor): Promise<boolean> {
    const remembered = await this.database.query(sql`
      WITH remembered AS (
        UPDATE known_devices SET remembered_until = ${until}
         WHERE secret_sha256 = ${secretSha256} AND user_id = ${userId}
        RETURNING id
      )
      INSERT INTO audit_events (act, actor, target, address, factor, client_id, detail)
      SELECT 'device.remember-factor', ${by.id}, id::text, ${by.address}, ${by.factor}, ${by.client ?? null},
             jsonb_build_object('until', ${until}::timestamptz) FROM remembered
      RETURNING id`);
    return remembered.length > 0;
  }

  /** Removes up to `limit` devices from which nobody has signed in since `before`. */
  async prune(before: Date, limit: number): Promise<void> {
    await this.database.query(sql`
      DELETE FROM known_devices
       WHERE id IN (SELECT id FROM known_devices WHERE coalesce(last_seen_at, first_seen_at) < ${before}
                     LIMIT ${limit})`);
  }
}
