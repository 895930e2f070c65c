import { Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { InvitationRepository } from '#accounts';
import { idOf, JsonBody, QueryOf, toWire } from '#platform';
import { Invitations } from '../invitations.service.js';
import { INVITATIONS, SENT_INVITATION } from './answers.js';
import { CurrentCaller, OrganizationApi, type Caller } from './api-route.js';
import { InvitationBody, PAGE, PageQuery } from './requests.js';

/** Who is invited to an organization. */
@Controller('v1/organizations/:organizationId/invitations')
export class InvitationsApiController {
  constructor(
    private readonly invitations: Invitations,
    private readonly repository: InvitationRepository,
  ) {}

  @Get()
  @OrganizationApi(
    'organization:read',
    'invitations:read',
    'List the invitations that nobody has answered, the latest first',
    { query: PageQuery, answer: INVITATIONS },
  )
  async list(
    @QueryOf() { cursor: after, limit = String(PAGE) }: PageQuery,
    @CurrentCaller() { organizationId }: Caller,
  ) {
    const { invitations, next } = await this.repository.list(organizationId, { after, limit: Number(limit) });
    return { invitations: toWire(invitations), next_cursor: next ?? null };
  }

  @Post()
  @OrganizationApi(
    'organization:write',
    'invitations:write',
    'Invite a person by mail, with a seat or without; an owner alone by an owner',
    { body: InvitationBody, recent: true, answer: SENT_INVITATION },
  )
  async invite(@JsonBody() body: InvitationBody, @CurrentCaller() { organizationId, actor }: Caller) {
    const { email, role, custom_role_id: customRoleId, license_id: licenseId } = body;
    const invitee = {
      organizationId,
      email,
      role,
      customRoleId: customRoleId ?? undefined,
      licenseId: licenseId ?? undefined,
    };
    return toWire(await this.invitations.invite(invitee, actor));
  }

  @Post(':id/resend')
  @HttpCode(200)
  @OrganizationApi(
    'organization:write',
    'invitations:write',
    'Send an invitation again, by a new link and id',
    {
      recent: true,
      answer: SENT_INVITATION,
    },
  )
  async resend(@Param('id') id: string, @CurrentCaller() { organizationId, actor }: Caller) {
    return toWire(await this.invitations.resend(idOf(id, 'invitation'), organizationId, actor));
  }

  @Delete(':id')
  @HttpCode(204)
  @OrganizationApi('organization:write', 'invitations:write', 'Withdraw an invitation')
  async withdraw(@Param('id') id: string, @CurrentCaller() { organizationId, actor }: Caller): Promise<void> {
    await this.invitations.withdraw(idOf(id, 'invitation'), organizationId, actor);
  }
}
