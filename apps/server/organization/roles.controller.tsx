import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { RoleRepository } from '#accounts';
import { PublicError } from '#platform';
import { actorOf, Csrf } from '#sessions';
import { Pages } from '../pages/pages.js';
import { RefusedActs } from '../refused-acts.js';
import { frameOf, type Frame } from './frame.js';
import { CurrentVisit, InOrganization, type Visit } from './organization-route.js';
import { RolesView, type TypedRole } from './roles.view.js';

const ROLES = '/organization/roles';

const DONE = {
  created: 'The role was created.',
  changed: 'The role was changed.',
  deleted: 'The role was deleted.',
} as const;

class RolesQuery {
  @IsOptional()
  @IsIn(Object.keys(DONE))
  done?: keyof typeof DONE;
}

class RoleParameters {
  @IsUUID(undefined, { message: 'There is no such role.' })
  roleId!: string;
}

class RoleForm {
  @IsOptional()
  @IsString({ message: 'name must be sent once.' })
  @MaxLength(1000, { message: 'The name is too long.' })
  name?: string;

  /** A box that is checked sends its permission; several send several. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }): unknown[] => [value].flat())
  @ArrayMaxSize(200, { message: 'Choose fewer permissions.' })
  @IsString({ each: true, message: 'Choose permissions of the list.' })
  @MaxLength(200, { each: true, message: 'Choose permissions of the list.' })
  permission?: string[];
}

/** The roles that an organization makes of permissions. */
@Controller('organization/roles')
export class OrganizationRolesController {
  constructor(
    private readonly roles: RoleRepository,
    private readonly refusedActs: RefusedActs,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @InOrganization('roles:read', 'List the organization’s own roles')
  async list(@CurrentVisit() visit: Visit, @Query() { done }: RolesQuery): Promise<void> {
    await this.page(visit, { done: done && DONE[done] });
  }

  @Post()
  @InOrganization('roles:write', 'Make a role of permissions that one has oneself', ROLES)
  async create(@CurrentVisit() visit: Visit, @Body() form: RoleForm): Promise<void> {
    const draft = draftOf(form);
    await this.act(visit, 'created', { id: undefined, ...draft }, () =>
      this.roles.create(visit.organization.id, draft, actorOf(visit.session, visit.request.ip)),
    );
  }

  @Post(':roleId')
  @InOrganization('roles:write', 'Change the name and the permissions of a role', ROLES)
  async change(
    @CurrentVisit() visit: Visit,
    @Param() { roleId }: RoleParameters,
    @Body() form: RoleForm,
  ): Promise<void> {
    const draft = draftOf(form);
    await this.act(visit, 'changed', { id: roleId, ...draft }, () =>
      this.roles.change(
        visit.organization.id,
        roleId.toLowerCase(),
        draft,
        actorOf(visit.session, visit.request.ip),
      ),
    );
  }

  @Post(':roleId/delete')
  @InOrganization('roles:write', 'Delete a role that nobody has', ROLES)
  async delete(@CurrentVisit() visit: Visit, @Param() { roleId }: RoleParameters): Promise<void> {
    await this.act(visit, 'deleted', undefined, () =>
      this.roles.delete(
        visit.organization.id,
        roleId.toLowerCase(),
        actorOf(visit.session, visit.request.ip),
      ),
    );
  }

  private async act(
    visit: Visit,
    done: keyof typeof DONE,
    typed: Omit<TypedRole, 'problem'> | undefined,
    act: () => Promise<unknown>,
  ): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      await this.refusedActs.note(visit.request, error);
      const { publicMessage: problem, status } = error;
      await this.page(visit, { problem }, typed && { ...typed, problem }, status);
      return;
    }
    visit.reply.redirect(`${ROLES}?done=${done}`, 303);
  }

  private async page(
    visit: Visit,
    said: Pick<Frame, 'done' | 'problem'>,
    typed?: TypedRole,
    status = 200,
  ): Promise<void> {
    const { id, role } = visit.organization;
    const view = (
      <RolesView
        frame={frameOf(visit, this.csrf, said)}
        roles={await this.roles.list(id)}
        grantable={await this.roles.permissionsOf(role)}
        typed={typed}
      />
    );
    this.pages.send(visit.reply, view, { status });
  }
}

function draftOf({ name = '', permission = [] }: RoleForm) {
  return { name, permissions: permission };
}
