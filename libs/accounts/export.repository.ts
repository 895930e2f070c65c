import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Database, sql } from '#platform';
import { InvitationRepository } from './invitation.repository.js';
import type { Invitation } from './invitation.js';
import { MembershipRepository } from './membership.repository.js';
import type { Member } from './membership.js';
import { OrganizationRepository, type OrganizationDetails } from './organization.repository.js';
import type { CustomRole } from './role.js';
import { RoleRepository } from './role.repository.js';

const PAGE = 1000;

/** What an organization is, beside what it has bought. */
export interface OrganizationExport {
  readonly organization: OrganizationDetails;
  readonly members: readonly Member[];
  readonly invitations: readonly Invitation[];
  readonly roles: readonly CustomRole[];
}

/** What is kept about a person; secrets are none of it. */
export interface PersonExport {
  readonly account: Readonly<Record<string, unknown>>;
  readonly organizations: readonly unknown[];
  readonly sessions: readonly unknown[];
  readonly authorizations: readonly unknown[];
  readonly consents: readonly unknown[];
  readonly seats: readonly unknown[];
  readonly invitations: readonly unknown[];
}

/** Data that its owners take along. */
@Injectable()
export class ExportRepository {
  constructor(
    private readonly database: Database,
    private readonly organizations: OrganizationRepository,
    private readonly memberships: MembershipRepository,
    private readonly invitations: InvitationRepository,
    private readonly roles: RoleRepository,
  ) {}

  /** @returns undefined when there is no such organization */
  async organization(organizationId: string, by: Actor): Promise<OrganizationExport | undefined> {
    const organization = await this.organizations.find(organizationId);
    if (!organization) return undefined;
    await this.database.query(sql`
      INSERT INTO audit_events (act, actor, address, factor, target, organization_id)
      VALUES ('organization.export', ${by.id}, ${by.address}, ${by.factor}, ${organizationId}, ${organizationId})`);
    const members: Member[] = [];
    let after: string | undefined;
    do {
      const page = await this.memberships.list(organizationId, { after, limit: PAGE });
      members.push(...page.members);
      after = page.next;
    } while (after !== undefined);
    return {
      organization,
      members,
      invitations: await this.invitations.list(organizationId, { limit: PAGE }),
      roles: await this.roles.list(organizationId),
    };
  }

  /** @returns undefined when there is no such account */
  async person(userId: string): Promise<PersonExport | undefined> {
    const [row] = await this.database.query<PersonExport>(sql`
      SELECT jsonb_build_object('id', u.id, 'email', u.email, 'name', u.name, 'created_at', u.created_at,
                                'email_verified_at', u.email_verified_at, 'deletion_at', u.deletion_at) AS account,
             (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'key', o.key, 'name', o.name, 'role', m.role, 'joined_at', m.created_at) ORDER BY o.key), '[]')
                FROM memberships m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = u.id)
               AS organizations,
             (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'id', s.id, 'signed_in_at', s.auth_time, 'last_seen_at', s.last_seen_at, 'ended_at', s.ended_at,
                       'methods', s.amr, 'user_agent', s.user_agent, 'address', s.address) ORDER BY s.auth_time), '[]')
                FROM sessions s WHERE s.user_id = u.id) AS sessions,
             (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'application', c.name, 'organization', o.key, 'scopes', a.scopes, 'state', a.state,
                       'since', a.auth_time, 'expires_at', a.expires_at) ORDER BY a.auth_time), '[]')
                FROM authorizations a JOIN clients c ON c.id = a.client_id
                JOIN organizations o ON o.id = a.organization_id WHERE a.user_id = u.id) AS authorizations,
             (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'application', c.name, 'scopes', n.scopes, 'granted_at', n.granted_at) ORDER BY n.granted_at), '[]')
                FROM consents n JOIN clients c ON c.id = n.client_id WHERE n.user_id = u.id) AS consents,
             (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'module', l.module_key, 'assigned_at', a.assigned_at, 'released_at', a.released_at)
                                        ORDER BY a.assigned_at), '[]')
                FROM seat_assignments a JOIN licenses l ON l.id = a.license_id WHERE a.user_id = u.id) AS seats,
             (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'organization', o.key, 'invited_at', i.created_at, 'accepted_at', i.accepted_at)
                                        ORDER BY i.created_at), '[]')
                FROM invitations i JOIN organizations o ON o.id = i.organization_id WHERE i.email = u.email)
               AS invitations
        FROM users u WHERE u.id::text = ${userId}`);
    return row;
  }
}
