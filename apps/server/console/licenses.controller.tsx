import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdministratorRepository } from '#accounts';
import { LicenseOverviewRepository, type LicenseOverview } from '#licensing';
import { Clock, CurrentSession, RequireOperatorSession } from '#platform';
import { Csrf, type Session } from '#sessions';
import { Pages } from '../pages/pages.js';
import { accountOf } from '../pages/visit.js';
import { requireAuthority } from './authority.js';
import { LicensesView } from './licenses.view.js';

const PAGE = 50;
const DAY = 86_400_000;
const SOON_DAYS = 60;

class ListQuery {
  @IsOptional()
  @IsString()
  @MaxLength(100, { message: 'Search for at most 100 characters.' })
  @Matches(/^\P{Cc}*$/u, { message: 'Search for a part of a name.' })
  q?: string;

  @IsOptional()
  @IsString({ message: 'A page begins at one place.' })
  after?: string;
}

/** Licenses for who administers them: operators see every organization's, others those of the one they act for. */
@Controller('console/licenses')
export class LicensesPageController {
  constructor(
    private readonly administrators: AdministratorRepository,
    private readonly overview: LicenseOverviewRepository,
    private readonly clock: Clock,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireOperatorSession('/console/licenses')
  async list(
    @Query() { q = '', after }: ListQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const actor = await this.administrators.find(session.userId);
    const { organization } = session;
    if (!actor.operator && !organization) {
      reply.redirect('/choose-organization?return_to=%2Fconsole%2Flicenses', 303);
      return;
    }
    const organizationId = actor.operator ? null : (organization?.id ?? null);
    requireAuthority('licenses:read', actor, organizationId);
    const at = this.clock.now();
    const search = q.trim();
    const filter = { organizationId, ...(search !== '' && { search }) };
    const { items, next } = await this.overview.list({
      ...filter,
      ...(after !== undefined && { after }),
      limit: PAGE,
    });
    const view = (
      <LicensesView
        account={accountOf({ session, request, reply }, this.csrf)}
        organization={actor.operator ? undefined : organization?.name}
        search={search}
        licenses={items}
        next={next ?? undefined}
        endingSoon={after === undefined ? await this.endingSoon(filter, at) : []}
        soonDays={SOON_DAYS}
        at={at}
      />
    );
    this.pages.send(reply, view);
  }

  private async endingSoon(
    filter: { organizationId: string | null; search?: string },
    at: Date,
  ): Promise<readonly LicenseOverview[]> {
    const to = new Date(at.getTime() + SOON_DAYS * DAY);
    return this.overview.ending(filter, { from: at, to }, 10);
  }
}
