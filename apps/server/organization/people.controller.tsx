import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { MembershipRepository, RoleRepository } from '#accounts';
import { PublicError } from '#platform';
import { actorOf, Csrf } from '#sessions';
import { Pages } from '../pages/pages.js';
import { RefusedActs } from '../refused-acts.js';
import { frameOf, type Frame } from './frame.js';
import { CurrentVisit, InOrganization, type Visit } from './organization-route.js';
import { PeopleView } from './people.view.js';
import { readRole } from './role-choices.js';

const PAGE = 50;
const DONE = {
  changed: 'The role was changed.',
  removed: 'The person was removed.',
  transferred: 'The organization was handed over.',
} as const;

class PeopleQuery {
  @IsOptional()
  @IsString()
  @MaxLength(100, { message: 'Search for at most 100 characters.' })
  @Matches(/^\P{Cc}*$/u, { message: 'Search for a part of a name.' })
  q?: string;

  @IsOptional()
  @IsString({ message: 'A page begins at one place.' })
  after?: string;

  @IsOptional()
  @IsIn(Object.keys(DONE))
  done?: keyof typeof DONE;
}

class PersonParameters {
  @IsUUID(undefined, { message: 'There is no such person.' })
  userId!: string;
}

class RoleForm {
  @IsOptional()
  @IsString({ message: 'role must be sent once.' })
  @MaxLength(100, { message: 'Choose one of the roles.' })
  role?: string;
}

/** The people of an organization, for who runs it. */
@Controller('organization/people')
export class OrganizationPeopleController {
  constructor(
    private readonly memberships: MembershipRepository,
    private readonly roles: RoleRepository,
    private readonly refusedActs: RefusedActs,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @InOrganization('members:read', 'List and search the people')
  async list(@CurrentVisit() visit: Visit, @Query() query: PeopleQuery): Promise<void> {
    await this.page(visit, query, { done: query.done && DONE[query.done] });
  }

  @Post(':userId/role')
  @InOrganization(
    'members:change',
    'Give a person another role; an owner’s alone by an owner',
    '/organization/people',
  )
  async changeRole(
    @CurrentVisit() visit: Visit,
    @Param() { userId }: PersonParameters,
    @Body() form: RoleForm,
  ): Promise<void> {
    await this.act(visit, 'changed', () =>
      this.memberships.changeRole(this.whom(visit, userId), readRole(form.role), actor(visit)),
    );
  }

  @Post(':userId/transfer')
  @InOrganization('organization:transfer', 'Hand the ownership over to a person', '/organization/people')
  async transfer(@CurrentVisit() visit: Visit, @Param() { userId }: PersonParameters): Promise<void> {
    await this.act(visit, 'transferred', () =>
      this.memberships.transferOwnership(this.whom(visit, userId), actor(visit)),
    );
  }

  @Post(':userId/remove')
  @InOrganization('members:change', 'Remove a person; an owner alone by an owner', '/organization/people')
  async remove(@CurrentVisit() visit: Visit, @Param() { userId }: PersonParameters): Promise<void> {
    await this.act(visit, 'removed', () => this.memberships.remove(this.whom(visit, userId), actor(visit)));
  }

  private whom({ organization }: Visit, userId: string) {
    return { organizationId: organization.id, userId: userId.toLowerCase() };
  }

  private async act(visit: Visit, done: keyof typeof DONE, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      await this.refusedActs.note(visit.request, error);
      await this.page(visit, {}, { problem: error.publicMessage }, error.status);
      return;
    }
    visit.reply.redirect(`/organization/people?done=${done}`, 303);
  }

  private async page(
    visit: Visit,
    { q = '', after }: PeopleQuery,
    said: Pick<Frame, 'done' | 'problem'>,
    status = 200,
  ): Promise<void> {
    const { id } = visit.organization;
    const search = q.trim();
    const { members, next } = await this.memberships.list(id, { search, after, limit: PAGE });
    const roles = await this.roles.list(id);
    const view = <PeopleView frame={frameOf(visit, this.csrf, said)} {...{ search, members, next, roles }} />;
    this.pages.send(visit.reply, view, { status });
  }
}

function actor({ session, request }: Visit) {
  return actorOf(session, request.ip);
}
