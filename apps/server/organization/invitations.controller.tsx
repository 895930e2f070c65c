import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsString, isUUID, IsUUID, MaxLength } from 'class-validator';
import { InvitationRepository, invitedLines, MOST_INVITED_AT_ONCE, RoleRepository } from '#accounts';
import { LicenseOverviewRepository } from '#licensing';
import { Clock, PublicError } from '#platform';
import { actorOf, Csrf } from '#sessions';
import { seatsSentence, stateOf } from '../console/license-state.js';
import { Pages } from '../pages/pages.js';
import { RefusedActs } from '../refused-acts.js';
import { frameOf, type Frame } from './frame.js';
import { Invitations, type InviteResult } from './invitations.service.js';
import { InvitationsView, type SeatChoice, type TypedInvitation } from './invitations.view.js';
import { CurrentVisit, InOrganization, type Visit } from './organization-route.js';
import { readRole } from './role-choices.js';

const PAGE = 50;
const LICENSES = 100;
const DONE = {
  resent: 'The invitation was sent again.',
  withdrawn: 'The invitation was withdrawn.',
} as const;

class InvitationsQuery {
  @IsOptional()
  @IsString({ message: 'A page begins at one place.' })
  after?: string;

  @IsOptional()
  @IsIn(Object.keys(DONE))
  done?: keyof typeof DONE;
}

class InvitationParameters {
  @IsUUID(undefined, { message: 'There is no such invitation.' })
  id!: string;
}

class InviteForm {
  @IsOptional()
  @IsString({ message: 'addresses must be sent once.' })
  @MaxLength(50_000, { message: 'The list of addresses is too long.' })
  addresses?: string;

  /** Whatever comes of these two: what is wrong with them is told beside them, where the addresses are kept. */
  @IsOptional()
  role?: unknown;

  @IsOptional()
  license_id?: unknown;
}

interface Shown {
  readonly said?: Pick<Frame, 'done' | 'problem'>;
  readonly after?: string | undefined;
  readonly typed?: TypedInvitation;
  readonly results?: readonly InviteResult[];
  readonly status?: number;
}

/** Who is invited to an organization. */
@Controller('organization/invitations')
export class OrganizationInvitationsController {
  constructor(
    private readonly invitations: Invitations,
    private readonly repository: InvitationRepository,
    private readonly roles: RoleRepository,
    private readonly licenses: LicenseOverviewRepository,
    private readonly clock: Clock,
    private readonly refusedActs: RefusedActs,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @InOrganization('invitations:read', 'List the invitations that nobody has answered')
  async list(@CurrentVisit() visit: Visit, @Query() { after, done }: InvitationsQuery): Promise<void> {
    await this.page(visit, { after, said: { done: done && DONE[done] } });
  }

  @Post()
  @InOrganization(
    'invitations:write',
    'Invite people by mail, with a seat or without; an owner alone by an owner',
    '/organization/invitations',
  )
  async invite(@CurrentVisit() visit: Visit, @Body() form: InviteForm): Promise<void> {
    const { addresses = '' } = form;
    const [role, licenseId] = [textOf(form.role), textOf(form.license_id)];
    const typed = { addresses, role, licenseId };
    const lines = invitedLines(addresses);
    const problems = {
      addresses: problemOf(lines.length),
      license_id:
        form.license_id === undefined || isUUID(licenseId) ? undefined : 'Choose one of the licenses.',
    };
    try {
      const about = { organizationId: visit.organization.id, licenseId, ...readRole(role) };
      const problem = problems.addresses ?? problems.license_id;
      if (problem !== undefined) {
        await this.page(visit, { said: { problem }, typed: { ...typed, problems }, status: 400 });
        return;
      }
      const results = await this.invitations.inviteAll(lines, about, actor(visit));
      const left = results.filter((result) => result.problem !== undefined);
      await this.page(visit, {
        results,
        typed: { ...typed, addresses: left.map(({ text }) => text).join('\n'), problems: {} },
        status: left.length === results.length ? 400 : 200,
      });
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      await this.refusedActs.note(visit.request, error);
      const { publicMessage: problem, status, code } = error;
      await this.page(visit, {
        said: { problem },
        typed: { ...typed, problems: { ...problems, ...(code === 'invalid_role' && { role: problem }) } },
        status,
      });
    }
  }

  @Post(':id/resend')
  @InOrganization('invitations:write', 'Send an invitation again, by a new link', '/organization/invitations')
  async resend(@CurrentVisit() visit: Visit, @Param() { id }: InvitationParameters): Promise<void> {
    await this.act(visit, 'resent', () =>
      this.invitations.resend(id.toLowerCase(), visit.organization.id, actor(visit)),
    );
  }

  @Post(':id/withdraw')
  @InOrganization('invitations:write', 'Withdraw an invitation')
  async withdraw(@CurrentVisit() visit: Visit, @Param() { id }: InvitationParameters): Promise<void> {
    await this.act(visit, 'withdrawn', () =>
      this.invitations.withdraw(id.toLowerCase(), visit.organization.id, actor(visit)),
    );
  }

  private async act(visit: Visit, done: keyof typeof DONE, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      await this.refusedActs.note(visit.request, error);
      await this.page(visit, { said: { problem: error.publicMessage }, status: error.status });
      return;
    }
    visit.reply.redirect(`/organization/invitations?done=${done}`, 303);
  }

  private async page(visit: Visit, { said, after, typed, results, status = 200 }: Shown): Promise<void> {
    const { id } = visit.organization;
    const { invitations, next } = await this.repository.list(id, { after, limit: PAGE });
    const view = (
      <InvitationsView
        frame={frameOf(visit, this.csrf, said)}
        invitations={invitations}
        next={next}
        roles={await this.roles.list(id)}
        seats={await this.seatsOf(id)}
        typed={typed}
        results={results}
        at={this.clock.now()}
      />
    );
    this.pages.send(visit.reply, view, { status });
  }

  /** Licenses of which a named seat can be kept. */
  private async seatsOf(organizationId: string): Promise<SeatChoice[]> {
    const { items } = await this.licenses.list({ organizationId, limit: LICENSES });
    const states = new Set(['scheduled', 'active', 'grace']);
    return items
      .filter((license) => license.seatModel === 'named' && states.has(stateOf(license, this.clock.now())))
      .map((license) => ({
        id: license.id,
        text: `${license.moduleName}, ${license.planName} (${seatsSentence(license)})`,
      }));
  }
}

/** Undefined also for what was sent twice. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function problemOf(lines: number): string | undefined {
  if (lines === 0) return 'Enter the addresses of those whom you invite.';
  return lines > MOST_INVITED_AT_ONCE ? `Invite at most ${MOST_INVITED_AT_ONCE} people at once.` : undefined;
}

function actor({ session, request }: Visit) {
  return actorOf(session, request.ip);
}
