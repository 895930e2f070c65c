import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, KeyedDigest, sql, type Transaction } from '#platform';
import type { Session } from '#sessions';
import type { OpaqueToken } from '#tokens';
import {
  authorizationOf,
  type Authorization,
  type AuthorizationRow,
} from '../authorization/authorization.js';
import { isPublic, type Client } from '../clients/client.js';

/** RFC 8628 §3.2: seconds that the codes live. */
export const DEVICE_CODE_SECONDS = 600;
/** RFC 8628 §3.2: seconds that a device waits between polls, until it is told to slow down. */
export const POLLING_INTERVAL = 5;
/** RFC 8628 §3.5: `slow_down` adds as many seconds, for good. */
const SLOWER_BY = 5;
/** What a digest is of. */
const USER_CODE = 'user code';

export interface NewDeviceAuthorization {
  readonly id: string;
  readonly rowSecret: Buffer;
  readonly userCode: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
}

export interface PendingDevice {
  readonly id: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly createdAt: Date;
}

export interface DeviceApproval {
  readonly deviceId: string;
  readonly authorizationId: string;
  readonly rowSecret: Buffer;
  readonly session: Session;
  /** Null: for the person’s own account alone. */
  readonly organizationId: string | null;
  readonly scopes: readonly string[];
  readonly expiresAt: Date;
}

export interface DeviceCodeRedemption {
  readonly code: OpaqueToken;
  readonly client: Pick<Client, 'id' | 'tokenEndpointAuthMethod'>;
  /** Of the key that the client proved to hold. */
  readonly jkt: string | undefined;
}

/** What a poll finds; `gone`: spent, removed, or begun by another client. */
export type PollOutcome = 'pending' | 'slow-down' | 'expired' | 'denied' | 'approved' | 'gone';

/** Devices that wait for somebody to let them in (RFC 8628). Each change is one statement. */
@Injectable()
export class DeviceAuthorizationRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly digests: KeyedDigest,
  ) {}

  /** @returns false when another device has this user code */
  async create(device: NewDeviceAuthorization): Promise<boolean> {
    const now = this.clock.now();
    const created = await this.database.query(sql`
      INSERT INTO device_authorizations (id, row_secret, user_code_hmac, client_id, scopes, resources, interval_seconds,
                                         created_at, expires_at)
      VALUES (${device.id}, ${device.rowSecret}, ${this.digests.of(USER_CODE, device.userCode)}, ${device.clientId}, ${device.scopes},
              ${device.resources}, ${POLLING_INTERVAL}, ${now}, ${addSeconds(now, DEVICE_CODE_SECONDS)})
      ON CONFLICT (user_code_hmac) DO NOTHING
      RETURNING id`);
    return created.length > 0;
  }

  async findPending(userCode: string): Promise<PendingDevice | undefined> {
    const [row] = await this.database.query<PendingDevice>(sql`
      SELECT id, client_id AS "clientId", scopes, resources, created_at AS "createdAt"
        FROM device_authorizations
       WHERE user_code_hmac = ANY (${this.digests.ofEveryKey(USER_CODE, userCode)}::bytea[]) AND state = 'pending' AND expires_at > ${this.clock.now()}`);
    return row;
  }

  /**
   * Makes the authorization that the device's next poll activates. It has no redirect URI and no code is minted for
   * it, so the authorization code grant cannot reach it.
   */
  async approve(approval: DeviceApproval): Promise<'approved' | 'session-ended' | 'gone'> {
    const { session, scopes } = approval;
    const now = this.clock.now();
    const [outcome] = await this.database.query<{ seen: boolean; approved: boolean }>(sql`
      WITH seen AS (
        UPDATE sessions SET last_seen_at = ${now}
         WHERE id = ${session.id} AND ended_at IS NULL AND expires_at > ${now}
        RETURNING id, user_id
      ), approved AS (
        UPDATE device_authorizations SET state = 'approved', authorization_id = ${approval.authorizationId}
         WHERE id = ${approval.deviceId} AND state = 'pending' AND expires_at > ${now} AND EXISTS (SELECT FROM seen)
        RETURNING id, client_id, resources, expires_at
      ), created AS (
        INSERT INTO authorizations (id, row_secret, state, client_id, user_id, session_id, organization_id, scopes,
                                    resources, offline, auth_time, code_expires_at, expires_at)
        SELECT ${approval.authorizationId}, ${approval.rowSecret}, 'code', approved.client_id, seen.user_id, seen.id,
               ${approval.organizationId}, ${scopes}, approved.resources, ${scopes.includes('offline_access')},
               ${session.authTime}, approved.expires_at, ${approval.expiresAt}
          FROM approved, seen
        RETURNING id, user_id, organization_id, client_id
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id, detail)
        SELECT 'device-authorization.approve', user_id, id, organization_id, jsonb_build_object('client_id', client_id)
          FROM created
      )
      SELECT EXISTS (SELECT FROM seen) AS seen, EXISTS (SELECT FROM created) AS approved`);
    if (!outcome?.seen) return 'session-ended';
    return outcome.approved ? 'approved' : 'gone';
  }

  /** @returns false when there was nothing to deny any more */
  async deny(deviceId: string, session: Session): Promise<boolean> {
    const denied = await this.database.query(sql`
      WITH denied AS (
        UPDATE device_authorizations SET state = 'denied'
         WHERE id = ${deviceId} AND state = 'pending' AND expires_at > ${this.clock.now()}
        RETURNING id, client_id
      )
      INSERT INTO audit_events (act, actor, target, organization_id, detail)
      SELECT 'device-authorization.deny', ${session.userId}::text, id, ${session.organization?.id ?? null}::uuid,
             jsonb_build_object('client_id', client_id)
        FROM denied
      RETURNING id`);
    return denied.length > 0;
  }

  /** Notes the poll and says where the request stands; whether it came too soon is decided on the locked row. */
  async poll(code: OpaqueToken, clientId: string): Promise<PollOutcome> {
    const now = this.clock.now();
    const [device] = await this.database.query<PolledDevice>(sql`
      WITH presented AS (
        SELECT id, state, expires_at <= ${now} AS expired,
               coalesce(last_polled_at + make_interval(secs => interval_seconds) > ${now}, false) AS hasty
          FROM device_authorizations
         WHERE id = ${code.authorizationId} AND row_secret = ${code.rowSecret} AND client_id = ${clientId}
           FOR UPDATE
      ), noted AS (
        UPDATE device_authorizations d
           SET last_polled_at = ${now},
               interval_seconds = d.interval_seconds + CASE WHEN presented.hasty THEN ${SLOWER_BY}::int ELSE 0 END
          FROM presented
         WHERE d.id = presented.id AND presented.state = 'pending' AND NOT presented.expired
      )
      SELECT state, expired, hasty FROM presented`);
    return device ? outcomeOf(device) : 'gone';
  }

  /** Spends the device code and activates what was approved. A caller that gets undefined rolls back. */
  async redeem(
    { code, client, jkt }: DeviceCodeRedemption,
    on: Transaction,
  ): Promise<Authorization | undefined> {
    const now = this.clock.now();
    const [row] = await on.query<AuthorizationRow>(sql`
      WITH spent AS (
        UPDATE device_authorizations SET state = 'spent'
         WHERE id = ${code.authorizationId} AND row_secret = ${code.rowSecret} AND client_id = ${client.id}
           AND state = 'approved' AND expires_at > ${now}
        RETURNING authorization_id
      ), activated AS (
        UPDATE authorizations a
           SET state = 'active', generation = 1, rotated_at = ${now},
               -- RFC 9449 section 5: a public client's refresh token is bound to its key
               dpop_jkt = CASE WHEN ${isPublic(client)} THEN ${jkt ?? null}::text END
          FROM spent
               JOIN authorizations given ON given.id = spent.authorization_id
               LEFT JOIN memberships m ON m.user_id = given.user_id AND m.organization_id = given.organization_id
               LEFT JOIN organizations o ON o.id = m.organization_id,
               clients c, sessions s, users u
         WHERE a.id = spent.authorization_id
           AND a.state = 'code'
           AND a.client_id = ${client.id}
           AND c.id = a.client_id AND c.disabled_at IS NULL
           AND s.id = a.session_id
           AND (a.offline OR s.ended_at IS NULL
                AND least(s.expires_at, s.auth_time + make_interval(secs => o.session_absolute_seconds)) > ${now})
           AND u.id = a.user_id AND u.disabled_at IS NULL AND u.password_changed_at <= a.auth_time
           AND (given.organization_id IS NULL
                OR o.id IS NOT NULL AND (NOT o.second_factor_required OR 'mfa' = ANY (s.amr)))
        RETURNING a.id, a.row_secret, a.generation, a.rotated_at, a.user_id, u.name AS user_name, u.email,
                  u.email_verified_at IS NOT NULL AS email_verified,
                  a.session_id, a.offline, s.amr, a.auth_time, a.organization_id, o.key AS organization_key,
                  o.name AS organization_name, m.role, o.license_version, a.scopes, a.resources, a.claims, a.nonce,
                  (SELECT jsonb_build_object('key', r.key, 'name', r.name, 'permissions', r.permissions)
                     FROM organization_roles r WHERE r.id = m.custom_role_id) AS custom_role
      ), noted AS (
        INSERT INTO audit_events (act, actor, target, organization_id)
        SELECT 'authorization.exchange', ${client.id}, id, organization_id FROM activated
      )
      SELECT * FROM activated`);
    return row && authorizationOf(row);
  }
}

interface PolledDevice {
  readonly state: 'pending' | 'approved' | 'denied' | 'spent';
  readonly expired: boolean;
  readonly hasty: boolean;
}

/** RFC 8628 §3.5: `slow_down` is a kind of `authorization_pending`, so whoever was approved is not told it. */
function outcomeOf({ state, expired, hasty }: PolledDevice): PollOutcome {
  if (state === 'spent') return 'gone';
  if (state === 'denied') return 'denied';
  if (expired) return 'expired';
  if (state === 'approved') return 'approved';
  return hasty ? 'slow-down' : 'pending';
}
