import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Database, sql, type Statement } from '#platform';
import { BrowserSealer } from './browser-sealer.js';

/** Rows of each kind, the newest: what somebody did for years would fill the memory of a node. */
const MOST = 10_000;

type Row = Readonly<Record<string, unknown>>;

/** What is kept about a person; secrets are none of it, nor is what it says of anybody else. */
export interface PersonExport {
  readonly account: Row;
  readonly organizations: readonly Row[];
  readonly organizations_created: readonly Row[];
  readonly invitations: readonly Row[];
  readonly authenticator_app: Row | null;
  readonly passkeys: readonly Row[];
  readonly recovery_codes: readonly Row[];
  readonly devices: readonly Row[];
  readonly sessions: readonly Row[];
  readonly failed_sign_ins: readonly Row[];
  readonly mailed_links: readonly Row[];
  readonly applications: readonly Row[];
  readonly consents: readonly Row[];
  readonly seats: readonly Row[];
  readonly seat_leases: readonly Row[];
  readonly usage: readonly Row[];
  readonly audit: readonly Row[];
}

/** Everything about a person, for them to take along. */
@Injectable()
export class PersonExportRepository {
  constructor(
    private readonly database: Database,
    private readonly browsers: BrowserSealer,
  ) {}

  /** The taking is on record too. @returns undefined when there is no such account */
  async person(userId: string, by: Actor): Promise<PersonExport | undefined> {
    const [account] = await this.rows(sql`
      WITH account AS (
        SELECT id, email, email_verified_at, name, created_at, password_hash IS NOT NULL AS has_password,
               nullif(password_changed_at, '-infinity') AS password_changed_at, operator, deletion_at,
               deletion_told_at
          FROM users WHERE id::text = ${userId}
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target)
        SELECT 'user.export', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id FROM account
      )
      SELECT * FROM account`);
    if (!account) return undefined;
    return {
      account,
      ...(await this.organizations(userId)),
      ...(await this.factors(userId)),
      ...(await this.signIns(userId)),
      ...(await this.applications(userId)),
      ...(await this.licensing(userId)),
      audit: await this.audit(userId),
    };
  }

  private async organizations(userId: string) {
    return {
      organizations: await this.rows(sql`
        SELECT o.key, o.name, m.role, r.name AS custom_role, m.created_at AS joined_at
          FROM memberships m JOIN organizations o ON o.id = m.organization_id
          LEFT JOIN organization_roles r ON r.id = m.custom_role_id
         WHERE m.user_id = ${userId} ORDER BY o.key LIMIT ${MOST}`),
      organizations_created: await this.rows(sql`
        SELECT key, name, created_at FROM organizations
         WHERE created_by = ${userId} ORDER BY created_at DESC LIMIT ${MOST}`),
      invitations: await this.rows(sql`
        SELECT o.key AS organization, i.role, i.created_at AS invited_at, i.expires_at, i.accepted_at, i.withdrawn_at
          FROM users u JOIN invitations i ON i.email = u.email JOIN organizations o ON o.id = i.organization_id
         WHERE u.id = ${userId} ORDER BY i.created_at DESC LIMIT ${MOST}`),
    };
  }

  private async factors(userId: string) {
    const [app] = await this.rows(
      sql`SELECT created_at, last_used_at FROM totp_factors WHERE user_id = ${userId}`,
    );
    return {
      authenticator_app: app ?? null,
      passkeys: await this.rows(sql`
        SELECT id, name, transports, synced, created_at, last_used_at FROM passkeys
         WHERE user_id = ${userId} ORDER BY created_at DESC LIMIT ${MOST}`),
      recovery_codes: await this.rows(sql`
        SELECT created_at, used_at FROM recovery_codes
         WHERE user_id = ${userId} ORDER BY created_at DESC LIMIT ${MOST}`),
    };
  }

  private async signIns(userId: string) {
    const sessions = await this.rows(sql`
      SELECT s.id, s.auth_time AS signed_in_at, s.last_seen_at, s.expires_at, s.ended_at, s.amr AS methods,
             s.browser_envelope, o.key AS organization
        FROM sessions s LEFT JOIN organizations o ON o.id = s.organization_id
       WHERE s.user_id = ${userId} ORDER BY s.auth_time DESC LIMIT ${MOST}`);
    return {
      devices: await this.rows(sql`
        SELECT first_seen_at, last_seen_at, remembered_until AS second_factor_remembered_until
          FROM known_devices WHERE user_id = ${userId} ORDER BY first_seen_at DESC LIMIT ${MOST}`),
      sessions: sessions.map((session) => this.opened(userId, session)),
      failed_sign_ins: await this.rows(sql`
        SELECT 'password' AS method, failures, last_failed_at, nullif(locked_until, '-infinity') AS locked_until
          FROM sign_in_failures
         WHERE user_id = ${userId}
        UNION ALL
        SELECT 'second factor', failures, last_failed_at, locked_until FROM second_factor_failures
         WHERE user_id = ${userId} ORDER BY last_failed_at DESC LIMIT ${MOST}`),
      mailed_links: await this.rows(sql`
        SELECT purpose, email, created_at, expires_at, used_at FROM one_time_tokens
         WHERE user_id = ${userId} ORDER BY created_at DESC LIMIT ${MOST}`),
    };
  }

  private opened(userId: string, { browser_envelope: envelope, ...session }: Row): Row {
    const origin = this.browsers.open(userId, envelope as string | null);
    return { ...session, user_agent: origin?.userAgent ?? null, address: origin?.address ?? null };
  }

  private async applications(userId: string) {
    return {
      applications: await this.rows(sql`
        SELECT c.id AS client_id, c.name, o.key AS organization, a.scopes, a.resources, a.claims, a.state, a.offline,
               a.auth_time AS since, a.rotated_at AS last_used_at, a.expires_at
          FROM authorizations a JOIN clients c ON c.id = a.client_id
          LEFT JOIN organizations o ON o.id = a.organization_id
         WHERE a.user_id = ${userId} ORDER BY a.auth_time DESC LIMIT ${MOST}`),
      consents: await this.rows(sql`
        SELECT c.id AS client_id, c.name, o.key AS organization, n.scopes, n.granted_at
          FROM consents n JOIN clients c ON c.id = n.client_id
          LEFT JOIN organizations o ON o.id = n.organization_id
         WHERE n.user_id = ${userId} ORDER BY n.granted_at DESC LIMIT ${MOST}`),
    };
  }

  private async licensing(userId: string) {
    return {
      seats: await this.rows(sql`
        SELECT o.key AS organization, l.module_key AS module, a.way, a.assigned_at, a.released_at
          FROM seat_assignments a JOIN licenses l ON l.id = a.license_id
          JOIN organizations o ON o.id = l.organization_id
         WHERE a.user_id = ${userId} ORDER BY a.assigned_at DESC LIMIT ${MOST}`),
      seat_leases: await this.rows(sql`
        SELECT o.key AS organization, l.module_key AS module, a.device, a.leased_at, a.expires_at, a.ended_at
          FROM seat_leases a JOIN licenses l ON l.id = a.license_id
          JOIN organizations o ON o.id = l.organization_id
         WHERE a.user_id = ${userId} ORDER BY a.leased_at DESC LIMIT ${MOST}`),
      usage: await this.rows(sql`
        SELECT o.key AS organization, e.module_key AS module, e.feature_key AS feature, e.amount::float8 AS amount, e.occurred_at
          FROM usage_events e JOIN organizations o ON o.id = e.organization_id
         WHERE e.user_id = ${userId} ORDER BY e.occurred_at DESC LIMIT ${MOST}`),
    };
  }

  /** What the person did and what was done to them; of who did that, nothing. */
  private audit(userId: string): Promise<Row[]> {
    return this.rows(sql`
      SELECT e.occurred_at, e.act, e.result, e.actor = ${userId} AS by_you,
             CASE WHEN e.target = ${userId} THEN 'you' ELSE e.target END AS target, o.key AS organization,
             CASE WHEN e.actor = ${userId} THEN e.address END AS address,
             CASE WHEN e.actor = ${userId} THEN e.factor END AS factor,
             CASE WHEN e.actor = ${userId} THEN e.client_id END AS client_id, e.detail
        FROM audit_events e LEFT JOIN organizations o ON o.id = e.organization_id
       WHERE e.id IN (
         (SELECT id FROM audit_events WHERE actor = ${userId} ORDER BY id DESC LIMIT ${MOST})
         UNION (SELECT id FROM audit_events WHERE target = ${userId} ORDER BY id DESC LIMIT ${MOST}))
       ORDER BY e.id DESC LIMIT ${MOST}`);
  }

  private rows(statement: Statement): Promise<Row[]> {
    return this.database.query<Row>(statement);
  }
}
