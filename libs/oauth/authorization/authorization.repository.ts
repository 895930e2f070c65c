import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, sha256, sql, type Transaction } from '#platform';
import { SessionRepository, sessionOf, type Session, type SessionRow } from '#sessions';
import type { OpaqueToken } from '#tokens';
import { isPublic, type Client } from '../clients/client.js';
import {
  authorizationOf,
  type Authorization,
  type AuthorizationContext,
  type AuthorizationRow,
  type Person,
  type RefreshTokenState,
} from './authorization.js';
import type { ClaimsRequest } from './claims-request.js';

/** Within this time a refresh token that was just rotated gives the same successor again. */
const RETRY_WINDOW_SECONDS = 10;

export interface NewAuthorization {
  readonly id: string;
  readonly rowSecret: Buffer;
  readonly clientId: string;
  readonly session: Session;
  /** Null: for the person’s own account alone. */
  readonly organizationId: string | null;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly redirectUri: string | null;
  readonly codeChallenge: string | null;
  readonly dpopJkt: string | null;
  readonly claims: ClaimsRequest | null;
  readonly nonce: string | null;
  readonly codeExpiresAt: Date;
  readonly expiresAt: Date;
}

export interface CodeExchange {
  readonly code: OpaqueToken;
  readonly client: Pick<Client, 'id' | 'tokenEndpointAuthMethod'>;
  /** Of the verifier that the client sent, if any. */
  readonly codeChallenge: string | undefined;
  /** Compared when the client sent it. */
  readonly redirectUri: string | undefined;
  /** Of the key that the client proved to hold. */
  readonly jkt: string | undefined;
}

/** What hinders the creation of an authorization. */
export type NotCreated = 'session-ended' | 'request-spent';

/** The one row that is an authorization, from its code to its last refresh. Each change is one statement. */
@Injectable()
export class AuthorizationRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly sessions: SessionRepository,
  ) {}

  /** Who is signed in by this cookie, and what they allowed this client before: all that an authorization needs. */
  async context(secret: string, clientId: string): Promise<AuthorizationContext | undefined> {
    const now = this.clock.now();
    const [row] = await this.database.query<
      SessionRow & { belongs: boolean; consented: string[] | null; consented_at: Date | null }
    >(sql`
      SELECT s.id, s.user_id, u.name AS user_name, u.email, s.auth_time, s.amr, s.organization_chosen_at,
             o.id AS organization_id, o.key AS organization_key, o.name AS organization_name, m.role, o.license_version,
             o.second_factor_required, s.second_factor_declined_at,
             (SELECT jsonb_build_object('key', r.key, 'name', r.name, 'permissions', r.permissions)
                FROM organization_roles r WHERE r.id = m.custom_role_id) AS custom_role,
             EXISTS (SELECT FROM memberships WHERE user_id = s.user_id) AS belongs,
             c.scopes AS consented, c.granted_at AS consented_at
        FROM sessions s
        JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL AND u.password_changed_at <= s.auth_time
        LEFT JOIN memberships m ON m.user_id = s.user_id AND m.organization_id = s.organization_id
        LEFT JOIN organizations o ON o.id = m.organization_id
        LEFT JOIN consents c ON c.user_id = s.user_id AND c.client_id = ${clientId}
                            AND c.organization_id IS NOT DISTINCT FROM o.id
       WHERE s.secret_sha256 = ${sha256(secret)}
         AND s.ended_at IS NULL
         AND least(s.expires_at, s.auth_time + make_interval(secs => o.session_absolute_seconds)) > ${now}
         AND s.last_seen_at > greatest(${this.sessions.idleSince(now)},
                                       ${now}::timestamptz - make_interval(secs => o.session_idle_seconds))`);
    return (
      row && {
        session: sessionOf(row),
        belongs: row.belongs,
        consented: row.consented ?? [],
        consentedAt: row.consented_at ?? undefined,
      }
    );
  }

  /**
   * @param pushedReference of the pushed request that this answers, which is used up by the same statement
   * @returns what hinders it, or undefined when the authorization is there
   */
  async create(authorization: NewAuthorization, pushedReference?: string): Promise<NotCreated | undefined> {
    const { session } = authorization;
    const pushed = pushedReference === undefined ? null : sha256(pushedReference);
    const [outcome] = await this.database.query<{ seen: boolean; spent: boolean }>(sql`
      WITH seen AS (
        UPDATE sessions SET last_seen_at = ${this.clock.now()}
         WHERE id = ${session.id} AND ended_at IS NULL AND expires_at > ${this.clock.now()}
        RETURNING id, user_id
      ), spent AS (
        DELETE FROM pushed_requests WHERE reference_sha256 = ${pushed} AND EXISTS (SELECT FROM seen)
        RETURNING client_id
      ), created AS (
        INSERT INTO authorizations (id, row_secret, state, client_id, user_id, session_id, organization_id, scopes,
                                    resources, redirect_uri, code_challenge, dpop_jkt, claims, nonce, offline,
                                    auth_time, code_expires_at, expires_at)
        SELECT ${authorization.id}, ${authorization.rowSecret}, 'code', ${authorization.clientId}, user_id, id,
               ${authorization.organizationId}, ${authorization.scopes}, ${authorization.resources},
               ${authorization.redirectUri}, ${authorization.codeChallenge}, ${authorization.dpopJkt},
               ${authorization.claims}, ${authorization.nonce}, ${authorization.scopes.includes('offline_access')},
               ${session.authTime}, ${authorization.codeExpiresAt}, ${authorization.expiresAt}
          FROM seen
         WHERE ${pushed}::bytea IS NULL OR EXISTS (SELECT FROM spent)
        RETURNING id, user_id, organization_id
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id)
        SELECT 'authorization.create', user_id, id, organization_id FROM created
      )
      SELECT EXISTS (SELECT FROM seen) AS seen, ${pushed}::bytea IS NULL OR EXISTS (SELECT FROM spent) AS spent`);
    if (!outcome?.seen) return 'session-ended';
    return outcome.spent ? undefined : 'request-spent';
  }

  /** Spends the code. Nothing is spent when the answer is undefined. */
  async exchange(exchange: CodeExchange, on: Transaction): Promise<Authorization | undefined> {
    const { code, client, codeChallenge, redirectUri, jkt } = exchange;
    const now = this.clock.now();
    const [row] = await on.query<AuthorizationRow>(sql`
      WITH exchanged AS (
        UPDATE authorizations a
           SET state = 'active', generation = 1, rotated_at = ${now},
               -- RFC 9449 section 5: a public client's refresh token is bound to its key
               dpop_jkt = CASE WHEN ${isPublic(client)} THEN ${jkt ?? null}::text END
          FROM authorizations given
               LEFT JOIN memberships m ON m.user_id = given.user_id AND m.organization_id = given.organization_id
               LEFT JOIN organizations o ON o.id = m.organization_id,
               clients c, sessions s, users u
         WHERE a.id = ${code.authorizationId} AND given.id = a.id
           AND a.row_secret = ${code.rowSecret}
           AND a.state = 'code'
           AND a.client_id = ${client.id}
           -- RFC 9700 section 4.8.2: a verifier where there was no challenge does not match either
           AND a.code_challenge IS NOT DISTINCT FROM ${codeChallenge ?? null}::text
           AND a.redirect_uri = coalesce(${redirectUri ?? null}, a.redirect_uri)
           AND (a.dpop_jkt IS NULL OR a.dpop_jkt = ${jkt ?? null}::text)
           AND a.code_expires_at > ${now}
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
        SELECT 'authorization.exchange', ${client.id}, id, organization_id FROM exchanged
      )
      SELECT * FROM exchanged`);
    return row && authorizationOf(row);
  }

  /**
   * Steps the generation when the presented one is the row's, and leaves it when the presented one is just behind and
   * was rotated within the window: then the caller gets the same successor again. FAPI 2.0 Security Profile §5.3.2.1:
   * a client of that profile keeps its refresh token, which is of no use without the client's key.
   * @param jkt of the key that the client proved to hold
   */
  async refresh(
    token: OpaqueToken,
    client: Pick<Client, 'id' | 'tokenEndpointAuthMethod' | 'profile'>,
    jkt: string | undefined,
    on: Transaction,
  ): Promise<Authorization | undefined> {
    const now = this.clock.now();
    const rotated = client.profile !== 'fapi2';
    const [row] = await on.query<AuthorizationRow>(sql`
      UPDATE authorizations a
         SET generation = CASE WHEN ${rotated} AND a.generation = ${token.generation}::int
                               THEN a.generation + 1 ELSE a.generation END,
             rotated_at = CASE WHEN ${rotated} AND a.generation = ${token.generation}::int
                               THEN ${now} ELSE a.rotated_at END,
             -- RFC 9449 section 5: a public client's refresh token is bound to its key
             dpop_jkt = coalesce(a.dpop_jkt, CASE WHEN ${isPublic(client)} THEN ${jkt ?? null}::text END)
        FROM authorizations given
             LEFT JOIN memberships m ON m.user_id = given.user_id AND m.organization_id = given.organization_id
             LEFT JOIN organizations o ON o.id = m.organization_id,
             clients c, sessions s, users u
       WHERE a.id = ${token.authorizationId} AND given.id = a.id
         AND a.row_secret = ${token.rowSecret}
         AND a.state = 'active'
         AND a.client_id = ${client.id}
         AND a.expires_at > ${now}
         AND (a.dpop_jkt IS NULL OR a.dpop_jkt = ${jkt ?? null}::text)
         AND (a.generation = ${token.generation}::int
              OR (a.generation = ${token.generation}::int + 1
                  AND a.rotated_at > ${addSeconds(now, -RETRY_WINDOW_SECONDS)}))
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
                o.name AS organization_name, m.role, o.license_version, a.scopes, a.resources, a.claims,
                NULL AS nonce,
                (SELECT jsonb_build_object('key', r.key, 'name', r.name, 'permissions', r.permissions)
                   FROM organization_roles r WHERE r.id = m.custom_role_id) AS custom_role`);
    return row && authorizationOf(row);
  }

  /** A code that was spent before was presented again (OAuth 2.1 §4.1.3): what it gave is revoked. */
  async revokeReusedCode(code: OpaqueToken, clientId: string): Promise<boolean> {
    return this.revokeReused(sql`
      WITH revoked AS (
        UPDATE authorizations SET state = 'revoked'
         WHERE id = ${code.authorizationId} AND row_secret = ${code.rowSecret} AND client_id = ${clientId}
           AND state = 'active'
        RETURNING id, organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'authorization-revoked', id, organization_id FROM revoked
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'authorization.code-reuse', ${clientId}, id, organization_id FROM revoked
      RETURNING id`);
  }

  /** A refresh token from before the window was presented (RFC 9700 §4.14.2): somebody else may hold its successor. */
  async revokeReusedRefreshToken(token: OpaqueToken, clientId: string): Promise<boolean> {
    const now = this.clock.now();
    return this.revokeReused(sql`
      WITH revoked AS (
        UPDATE authorizations SET state = 'revoked'
         WHERE id = ${token.authorizationId} AND row_secret = ${token.rowSecret} AND client_id = ${clientId}
           AND state = 'active'
           AND (generation > ${token.generation}::int + 1
                OR (generation = ${token.generation}::int + 1
                    AND rotated_at <= ${addSeconds(now, -RETRY_WINDOW_SECONDS)}))
        RETURNING id, organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'authorization-revoked', id, organization_id FROM revoked
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'authorization.refresh-reuse', ${clientId}, id, organization_id FROM revoked
      RETURNING id`);
  }

  /** Ends the authorization if this client owns it (RFC 7009 §2.1) and tells everyone. */
  async revoke(id: string, owner: string): Promise<void> {
    await this.database.query(sql`
      WITH revoked AS (
        UPDATE authorizations SET state = 'revoked'
         WHERE id = ${id} AND client_id = ${owner} AND state <> 'revoked'
        RETURNING id, organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'authorization-revoked', id, organization_id FROM revoked
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'authorization.revoke', ${owner}, id, organization_id FROM revoked`);
  }

  /**
   * The live authorizations behind an access token, with what the people are called now.
   * @param ids of the subject's and of those who act for it
   * @param jtis of the token and those that it stands on, none of which may be revoked
   * @param clientIds that the token stands on, none of which may be disabled
   * @returns by authorization; undefined when one of them has ended
   */
  async live(
    ids: readonly string[],
    jtis: readonly string[],
    clientIds: readonly string[],
  ): Promise<ReadonlyMap<string, Person> | undefined> {
    const now = this.clock.now();
    const rows = await this.database.query<Person & { authorizationId: string }>(sql`
      SELECT a.id AS "authorizationId", u.id AS "userId", u.name, u.email, u.email_verified_at IS NOT NULL AS "emailVerified", a.auth_time AS "authTime", s.amr, a.claims
        FROM authorizations a
        JOIN clients c ON c.id = a.client_id AND c.disabled_at IS NULL
        LEFT JOIN memberships m ON m.user_id = a.user_id AND m.organization_id = a.organization_id
        LEFT JOIN organizations o ON o.id = m.organization_id
        JOIN sessions s ON s.id = a.session_id
         AND (a.offline OR s.ended_at IS NULL
              AND least(s.expires_at, s.auth_time + make_interval(secs => o.session_absolute_seconds)) > ${now})
        JOIN users u ON u.id = a.user_id AND u.disabled_at IS NULL AND u.password_changed_at <= a.auth_time
       WHERE a.id = ANY (${ids}::uuid[]) AND a.state = 'active' AND a.expires_at > ${now}
         AND (a.organization_id IS NULL OR m.user_id IS NOT NULL)
         AND ${clientIds.length}::int = (SELECT count(*) FROM clients WHERE id = ANY (${clientIds}::text[])
                                                                        AND disabled_at IS NULL)
         AND NOT EXISTS (SELECT FROM revoked_tokens r WHERE r.jti = ANY (${jtis}::text[]))`);
    const people = new Map(rows.map((row) => [row.authorizationId, row]));
    return ids.every((id) => people.has(id)) ? people : undefined;
  }

  /** What introspection says of a refresh token: live only when it is the current generation. */
  async liveRefreshToken(token: OpaqueToken): Promise<RefreshTokenState | undefined> {
    const now = this.clock.now();
    const [row] = await this.database.query<RefreshTokenState>(sql`
      SELECT a.client_id AS "clientId", a.user_id AS "userId", a.scopes, a.expires_at AS "expiresAt"
        FROM authorizations a
        JOIN clients c ON c.id = a.client_id AND c.disabled_at IS NULL
        LEFT JOIN memberships m ON m.user_id = a.user_id AND m.organization_id = a.organization_id
        LEFT JOIN organizations o ON o.id = m.organization_id
        JOIN sessions s ON s.id = a.session_id
         AND (a.offline OR s.ended_at IS NULL
              AND least(s.expires_at, s.auth_time + make_interval(secs => o.session_absolute_seconds)) > ${now})
        JOIN users u ON u.id = a.user_id AND u.disabled_at IS NULL AND u.password_changed_at <= a.auth_time
       WHERE a.id = ${token.authorizationId} AND a.row_secret = ${token.rowSecret}
         AND a.state = 'active' AND a.expires_at > ${now} AND a.generation = ${token.generation}::int
         AND (a.organization_id IS NULL OR m.user_id IS NOT NULL)`);
    return row;
  }

  private async revokeReused(statement: ReturnType<typeof sql>): Promise<boolean> {
    return (await this.database.query(statement)).length > 0;
  }
}
