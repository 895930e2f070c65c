import { Injectable } from '@nestjs/common';
import { Clock, Database, sql } from '#platform';
import type { AccessTokenClaims } from '#tokens';
import { grantedOrganizationOf, type GrantedOrganizationRow } from '../../authorization/authorization.js';
import { authorizationsOfActors, clientsBehind, tokensBehind } from '../../token-holder.js';
import type { GrantingAuthorization } from '../person-grant.js';

interface LiveRow extends GrantedOrganizationRow {
  position: string;
  id: string | null;
  user_id: string;
  session_id: string;
  offline: boolean;
}

export interface ExchangeRecord {
  readonly clientId: string;
  readonly subject: AccessTokenClaims;
  readonly actor: AccessTokenClaims | undefined;
  readonly audience: readonly string[];
  readonly scope: string;
}

/** What a token exchange asks of the database: one read, and one audit row. */
@Injectable()
export class ExchangeRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns for each token that still counts, at its place: its authorization, or null when it is a machine's;
   * undefined at the place of one whose authorization, session, person, membership or client has ended, its actors' too
   */
  async live(
    tokens: readonly AccessTokenClaims[],
  ): Promise<readonly (GrantingAuthorization | null | undefined)[]> {
    const now = this.clock.now();
    const actors = tokens.flatMap(authorizationsOfActors);
    const clients = [...tokens.map(clientsBehind), ...actors.map(() => [])];
    const rows = await this.database.query<LiveRow>(sql`
      SELECT t.position, a.id, a.user_id, a.session_id, a.offline, o.id AS organization_id, o.key AS organization_key,
             o.name AS organization_name, m.role, o.license_version,
             (SELECT jsonb_build_object('key', r.key, 'name', r.name, 'permissions', r.permissions)
                FROM organization_roles r WHERE r.id = m.custom_role_id) AS custom_role
        FROM unnest(${[...tokens.map(({ authorization_id: id }) => id ?? null), ...actors]}::uuid[],
                    ${[...tokens.map((token) => tokensBehind(token).join(' ')), ...actors.map(() => '')]}::text[],
                    ${clients.map((ids) => ids.join(' '))}::text[],
                    ${clients.map((ids) => ids.length)}::int[])
             WITH ORDINALITY AS t(authorization_id, jtis, client_ids, client_count, position)
        LEFT JOIN (authorizations a
                   JOIN clients ac ON ac.id = a.client_id AND ac.disabled_at IS NULL
                   LEFT JOIN memberships m ON m.user_id = a.user_id AND m.organization_id = a.organization_id
                   LEFT JOIN organizations o ON o.id = m.organization_id
                   JOIN sessions s ON s.id = a.session_id
                    AND (a.offline OR s.ended_at IS NULL
                         AND least(s.expires_at, s.auth_time + make_interval(secs => o.session_absolute_seconds)) > ${now})
                    AND (a.organization_id IS NULL
                         OR o.id IS NOT NULL AND (NOT o.second_factor_required OR 'mfa' = ANY (s.amr)))
                   JOIN users u ON u.id = a.user_id AND u.disabled_at IS NULL AND u.password_changed_at <= a.auth_time)
          ON a.id = t.authorization_id AND a.state = 'active' AND a.expires_at > ${now}
       WHERE (t.authorization_id IS NULL OR a.id IS NOT NULL)
         AND NOT EXISTS (SELECT FROM revoked_tokens r WHERE r.jti = ANY (string_to_array(t.jtis, ' ')))
         AND t.client_count = (SELECT count(*) FROM clients c
                                WHERE c.id = ANY (string_to_array(t.client_ids, ' ')) AND c.disabled_at IS NULL)`);
    const found = new Set(rows.map(({ id }) => id));
    return tokens.map((token, index) => {
      const row = rows.find(({ position }) => Number(position) === index + 1);
      const acting = authorizationsOfActors(token).every((id) => found.has(id));
      return row && acting ? authorizationOf(row) : undefined;
    });
  }

  /** Who exchanged whose token, for which target. */
  async record({ clientId, subject, actor, audience, scope }: ExchangeRecord): Promise<void> {
    const detail = {
      subject_client: subject.client_id,
      authorization_id: subject.authorization_id,
      actor: actor?.sub,
      audience,
      scope,
    };
    await this.database.query(sql`
      INSERT INTO audit_events (act, actor, target, organization_id, detail)
      VALUES ('token.exchange', ${clientId}, ${subject.sub}, ${subject.organization_id ?? null}::uuid,
              ${JSON.stringify(detail)}::jsonb)`);
  }
}

function authorizationOf(row: LiveRow): GrantingAuthorization | null {
  if (row.id === null) return null;
  return {
    id: row.id,
    userId: row.user_id,
    sessionId: row.session_id,
    offline: row.offline,
    organization: grantedOrganizationOf(row),
  };
}
