import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Database, sql } from '#platform';
import { InvitationRepository } from './invitation.repository.js';
import { MOST_INVITATIONS, type Invitation } from './invitation.js';
import { MembershipRepository } from './membership.repository.js';
import type { Member } from './membership.js';
import { OrganizationRepository, type OrganizationDetails } from './organization.repository.js';
import type { CustomRole } from './role.js';
import { RoleRepository } from './role.repository.js';

/** What an organization is, beside what it has bought. */
export interface OrganizationExport {
  readonly organization: OrganizationDetails;
  readonly members: readonly Member[];
  readonly invitations: readonly Invitation[];
  readonly roles: readonly CustomRole[];
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
      INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id)
      VALUES ('organization.export', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null},
              ${organizationId}, ${organizationId})`);
    const { members } = await this.memberships.list(organizationId, { limit: 'all' });
    const { invitations } = await this.invitations.list(organizationId, { limit: MOST_INVITATIONS });
    return {
      organization,
      members,
      invitations,
      roles: await this.roles.list(organizationId),
    };
  }
}
