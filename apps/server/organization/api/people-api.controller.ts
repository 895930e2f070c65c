import { Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { MembershipRepository } from '#accounts';
import { idOf, JsonBody, QueryOf, toWire } from '#platform';
import { PEOPLE } from './answers.js';
import { CurrentCaller, OrganizationApi, type Caller } from './api-route.js';
import { PAGE, PeopleQuery, RoleBody } from './requests.js';

/** The people of an organization. */
@Controller('v1/organizations/:organizationId/people')
export class PeopleApiController {
  constructor(private readonly memberships: MembershipRepository) {}

  @Get()
  @OrganizationApi('organization:read', 'members:read', 'List and search the people, by name', {
    query: PeopleQuery,
    answer: PEOPLE,
  })
  async list(@QueryOf() query: PeopleQuery, @CurrentCaller() { organizationId }: Caller) {
    const { search = '', cursor: after, limit = String(PAGE) } = query;
    const page = { search: search.trim(), after, limit: Number(limit) };
    const { members, next } = await this.memberships.list(organizationId, page);
    return { people: toWire(members), next_cursor: next ?? null };
  }

  @Put(':userId/role')
  @HttpCode(204)
  @OrganizationApi(
    'organization:write',
    'members:change',
    'Give a person another role; an owner’s alone by an owner',
    {
      body: RoleBody,
      recent: true,
    },
  )
  async changeRole(
    @Param('userId') userId: string,
    @JsonBody() { role, custom_role_id: customRoleId }: RoleBody,
    @CurrentCaller() { organizationId, actor }: Caller,
  ): Promise<void> {
    const whom = { organizationId, userId: idOf(userId, 'member') };
    await this.memberships.changeRole(whom, { role, customRoleId: customRoleId ?? undefined }, actor);
  }

  @Post(':userId/transfer')
  @HttpCode(204)
  @OrganizationApi('organization:write', 'organization:transfer', 'Hand the ownership over to a person', {
    recent: true,
  })
  async transfer(
    @Param('userId') userId: string,
    @CurrentCaller() { organizationId, actor }: Caller,
  ): Promise<void> {
    await this.memberships.transferOwnership({ organizationId, userId: idOf(userId, 'member') }, actor);
  }

  @Delete(':userId')
  @HttpCode(204)
  @OrganizationApi('organization:write', 'members:change', 'Remove a person; an owner alone by an owner', {
    recent: true,
  })
  async remove(
    @Param('userId') userId: string,
    @CurrentCaller() { organizationId, actor }: Caller,
  ): Promise<void> {
    await this.memberships.remove({ organizationId, userId: idOf(userId, 'member') }, actor);
  }
}
