import { Controller, Delete, Get, HttpCode, Post, Put, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import {
  AccountRepository,
  MembershipRepository,
  OrganizationDeletionRepository,
  OrganizationRepository,
  unknownOrganization,
} from '#accounts';
import { JsonBody, toWire } from '#platform';
import { OrganizationExports } from '../organization-exports.js';
import { DELETION, EXPORT, NEW_ORGANIZATION, ORGANIZATION, OWN_ORGANIZATIONS } from './answers.js';
import { CurrentCaller, OrganizationApi, type Caller } from './api-route.js';
import { NameBody, OrganizationBody } from './requests.js';

/** Organizations, for who holds a person's token; errors are problem details (RFC 9457). */
@Controller('v1/organizations')
export class OrganizationsApiController {
  constructor(
    private readonly organizations: OrganizationRepository,
    private readonly accounts: AccountRepository,
    private readonly memberships: MembershipRepository,
    private readonly deletion: OrganizationDeletionRepository,
    private readonly exports: OrganizationExports,
  ) {}

  /** Of that one alone: whoever allowed the token for an organization has not told its application of the others. */
  @Get()
  @OrganizationApi(
    'organization:read',
    'whoever is signed in',
    'Read the organization that the token is for, as a list',
    {
      answer: OWN_ORGANIZATIONS,
    },
  )
  async list(@CurrentCaller() { userId, organizationId }: Caller) {
    return { organizations: toWire(await this.accounts.membershipsOf(userId, organizationId)) };
  }

  /** The token goes on for the organization that it was issued for, or for none: for the new one the person allows another. */
  @Post()
  @OrganizationApi('organization:write', 'whoever is signed in', 'Create an organization, and own it', {
    body: OrganizationBody,
    answer: NEW_ORGANIZATION,
    withoutOrganization: 'account:write',
  })
  async create(
    @JsonBody() { name, key }: OrganizationBody,
    @CurrentCaller() { userId, actor }: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const created = await this.organizations.create({ name, key: key ?? undefined }, userId, actor);
    void reply.header('location', `/v1/organizations/${created.id}`);
    return { id: created.id, key: created.key, name: created.name };
  }

  @Get(':organizationId')
  @OrganizationApi('organization:read', 'organization:read', 'Read the organization and one’s own role', {
    answer: ORGANIZATION,
  })
  async read(@CurrentCaller() { organizationId, role }: Caller) {
    const details = await this.organizations.find(organizationId);
    if (!details) throw unknownOrganization();
    const people = await this.memberships.counts(organizationId);
    const contacts = await this.accounts.contactsOf(organizationId);
    return toWire({ ...details, role, people, contacts });
  }

  @Put(':organizationId/name')
  @HttpCode(204)
  @OrganizationApi('organization:write', 'organization:rename', 'Give it another name and key', {
    body: NameBody,
  })
  async rename(
    @JsonBody() { name, key }: NameBody,
    @CurrentCaller() { organizationId, actor }: Caller,
  ): Promise<void> {
    await this.organizations.rename(organizationId, { name, key }, actor);
  }

  @Post(':organizationId/leave')
  @HttpCode(204)
  @OrganizationApi('organization:write', 'organization:leave', 'Leave it; the token ends with that')
  async leave(@CurrentCaller() { organizationId, userId, actor }: Caller): Promise<void> {
    await this.memberships.remove({ organizationId, userId }, actor);
  }

  @Get(':organizationId/export')
  @OrganizationApi('organization:read', 'organization:export', 'Take its data along', {
    recent: true,
    answer: EXPORT,
  })
  async export(@CurrentCaller() { organizationId, actor }: Caller) {
    return toWire(await this.exports.of(organizationId, actor));
  }

  @Post(':organizationId/deletion')
  @HttpCode(200)
  @OrganizationApi('organization:write', 'organization:delete', 'Ask for its deletion', {
    recent: true,
    answer: DELETION,
  })
  async requestDeletion(@CurrentCaller() { organizationId, actor }: Caller) {
    return toWire({ deletionAt: await this.deletion.request(organizationId, actor) });
  }

  @Delete(':organizationId/deletion')
  @HttpCode(204)
  @OrganizationApi('organization:write', 'organization:delete', 'Undo the request for its deletion')
  async undoDeletion(@CurrentCaller() { organizationId, actor }: Caller): Promise<void> {
    await this.deletion.undo(organizationId, actor);
  }
}
