import { Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { RoleRepository } from '#accounts';
import { idOf, JsonBody, toWire } from '#platform';
import { NEW_ROLE, ROLES } from './answers.js';
import { CurrentCaller, OrganizationApi, type Caller } from './api-route.js';
import { CustomRoleBody } from './requests.js';

/** The roles that an organization makes of permissions. */
@Controller('v1/organizations/:organizationId/roles')
export class RolesApiController {
  constructor(private readonly roles: RoleRepository) {}

  @Get()
  @OrganizationApi('organization:read', 'roles:read', 'List the organization’s own roles', { answer: ROLES })
  async list(@CurrentCaller() { organizationId, role = 'member' }: Caller) {
    return {
      roles: toWire(await this.roles.list(organizationId)),
      permissions: await this.roles.permissionsOf(role),
    };
  }

  @Post()
  @OrganizationApi('organization:write', 'roles:write', 'Make a role of permissions that one has oneself', {
    body: CustomRoleBody,
    recent: true,
    answer: NEW_ROLE,
  })
  async create(@JsonBody() body: CustomRoleBody, @CurrentCaller() { organizationId, actor }: Caller) {
    return { id: await this.roles.create(organizationId, body, actor) };
  }

  @Put(':roleId')
  @HttpCode(204)
  @OrganizationApi('organization:write', 'roles:write', 'Change the name and the permissions of a role', {
    body: CustomRoleBody,
    recent: true,
  })
  async change(
    @Param('roleId') roleId: string,
    @JsonBody() body: CustomRoleBody,
    @CurrentCaller() { organizationId, actor }: Caller,
  ): Promise<void> {
    await this.roles.change(organizationId, idOf(roleId, 'role'), body, actor);
  }

  @Delete(':roleId')
  @HttpCode(204)
  @OrganizationApi('organization:write', 'roles:write', 'Delete a role that nobody has', { recent: true })
  async delete(
    @Param('roleId') roleId: string,
    @CurrentCaller() { organizationId, actor }: Caller,
  ): Promise<void> {
    await this.roles.delete(organizationId, idOf(roleId, 'role'), actor);
  }
}
