import { Body, Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountRepository, AdministratorRepository, type Administrator } from '#accounts';
import {
  CatalogRepository,
  HistoryRepository,
  LicenseOverviewRepository,
  mayAdminister,
  SeatRepository,
  UsageReportRepository,
  type LicenseOverview,
  type LicensingAction,
  type SeatHolder,
} from '#licensing';
import { Clock, CurrentSession, PublicError, RequireSession } from '#platform';
import { Csrf, type Session } from '#sessions';
import { Pages } from '../pages/pages.js';
import { licenseActSentence, peopleOf } from './license-acts.js';
import { LicenseView, type FeatureUse, type LicenseViewProps } from './license.view.js';
import { LicensesView } from './licenses.view.js';

const PAGE = 50;
const MOST_PEOPLE = 500;
const DAY = 86_400_000;
const SOON_DAYS = 60;
const CHART_DAYS = 30;

class ListQuery {
  @IsOptional()
  @IsString()
  @MaxLength(100, { message: 'Search for at most 100 characters.' })
  @Matches(/^\P{Cc}*$/u, { message: 'Search for a part of a name.' })
  q?: string;

  @IsOptional()
  @IsUUID(undefined, { message: 'A page begins after a license.' })
  after?: string;
}

class LicenseParameters {
  @IsUUID(undefined, { message: 'There is no such license.' })
  id!: string;
}

class LicenseQuery {
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'The timeline goes on where its link says.' })
  before?: string;

  @IsOptional()
  @IsIn(['assigned', 'released'])
  done?: 'assigned' | 'released';
}

class SeatForm {
  @IsOptional()
  @IsString()
  csrf_token?: string;

  @IsUUID(undefined, { message: 'Choose a member of the organization.' })
  user_id!: string;
}

interface Visit {
  readonly session: Session;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Licenses for who administers them: operators see every organization's, others those of the one they act for. */
@Controller('console/licenses')
export class LicensesPageController {
  constructor(
    private readonly administrators: AdministratorRepository,
    private readonly accounts: AccountRepository,
    private readonly overview: LicenseOverviewRepository,
    private readonly catalog: CatalogRepository,
    private readonly history: HistoryRepository,
    private readonly usage: UsageReportRepository,
    private readonly seats: SeatRepository,
    private readonly clock: Clock,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireSession()
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
    const licenses = await this.overview.list({
      organizationId,
      ...(search !== '' && { search }),
      ...(after !== undefined && { after }),
      limit: PAGE + 1,
    });
    const shown = licenses.slice(0, PAGE);
    const view = (
      <LicensesView
        account={{ ...session, csrfToken: this.csrf.token(request, reply) }}
        organization={actor.operator ? undefined : organization?.name}
        search={search}
        licenses={shown}
        next={licenses.length > PAGE ? shown.at(-1)?.id : undefined}
        endingSoon={search === '' && after === undefined ? await this.endingSoon(organizationId, at) : []}
        soonDays={SOON_DAYS}
        at={at}
      />
    );
    this.pages.send(reply, view);
  }

  @Get(':id')
  @RequireSession()
  async show(
    @Param() { id }: LicenseParameters,
    @Query() query: LicenseQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { actor, license } = await this.authorized('licenses:read', id, session);
    await this.send({ session, request, reply }, actor, license, query);
  }

  @Post(':id/seats')
  @RequireSession()
  async assign(
    @Param() { id }: LicenseParameters,
    @Body() form: SeatForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    const { actor, license } = await this.authorized('seats:assign', id, session);
    try {
      await this.seats.assignSeat(id, form.user_id, session.userId);
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      const { publicMessage: problem, status } = error;
      await this.send({ session, request, reply }, actor, license, { problem, status });
      return;
    }
    reply.redirect(`/console/licenses/${id}?done=assigned`, 303);
  }

  @Post(':id/seats/release')
  @RequireSession()
  async release(
    @Param() { id }: LicenseParameters,
    @Body() form: SeatForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    await this.authorized('seats:assign', id, session);
    await this.seats.releaseSeat(id, form.user_id, session.userId);
    reply.redirect(`/console/licenses/${id}?done=released`, 303);
  }

  private endingSoon(organizationId: string | null, at: Date): Promise<LicenseOverview[]> {
    const to = new Date(at.getTime() + SOON_DAYS * DAY);
    return this.overview.list({ organizationId, ending: { from: at, to }, limit: 10 });
  }

  /** The license, for who may do this with it; another organization's is as unknown as one that does not exist. */
  private async authorized(action: LicensingAction, licenseId: string, session: Session) {
    const actor = await this.administrators.find(session.userId);
    const own = session.organization?.id ?? null;
    if (!actor.operator) requireAuthority(action, actor, own);
    return { actor, license: await this.overview.find(licenseId, actor.operator ? null : own) };
  }

  private async send(
    { session, request, reply }: Visit,
    actor: Administrator,
    license: LicenseOverview,
    shown: { before?: string; done?: 'assigned' | 'released'; problem?: string; status?: number },
  ): Promise<void> {
    const may = (action: LicensingAction) => mayAdminister(action, actor, license.organizationId);
    const seats = may('seats:read') && {
      holders: await this.holders(license.id),
      candidates: await this.overview.seatCandidates(license.id),
    };
    const view = (
      <LicenseView
        account={{ ...session, csrfToken: this.csrf.token(request, reply) }}
        license={license}
        seats={seats || undefined}
        usage={may('usage:read') ? await this.uses(license) : []}
        timeline={may('history:read') ? await this.timeline(license.id, shown.before) : undefined}
        done={shown.done}
        problem={shown.problem}
        at={this.clock.now()}
      />
    );
    this.pages.send(reply, view, { status: shown.status ?? 200 });
  }

  /** By name, of the first 500. */
  private async holders(licenseId: string): Promise<SeatHolder[]> {
    const { items } = await this.overview.seatHolders(licenseId, null, MOST_PEOPLE);
    return items.toSorted((one, other) => one.name.localeCompare(other.name, 'en'));
  }

  private async uses(license: LicenseOverview): Promise<FeatureUse[]> {
    const { organizationId, moduleKey, timeZone, id } = license;
    const last = dayOf(this.clock.now(), timeZone);
    const first = new Date(Date.parse(last) - (CHART_DAYS - 1) * DAY).toISOString().slice(0, 10);
    const features = await this.catalog.meteredFeatures(moduleKey);
    return Promise.all(
      features.map(async (feature) => {
        const { licenses } = await this.usage.present(organizationId, moduleKey, feature);
        return {
          feature,
          present: licenses.find(({ licenseId }) => licenseId === id),
          days: await this.usage.series(organizationId, moduleKey, feature, { first, last, timeZone }),
        };
      }),
    );
  }

  private async timeline(licenseId: string, before?: string): Promise<LicenseViewProps['timeline']> {
    const page = await this.history.timeline(licenseId, {
      ...(before !== undefined && { before }),
      limit: 20,
    });
    const names = await this.accounts.namesOf(
      page.entries.flatMap(({ actor, detail }) => [actor, ...peopleOf(detail)]),
    );
    return {
      entries: page.entries.map(({ act, actor, detail, occurredAt }) => ({
        sentence: licenseActSentence(act, detail, (id) => names.get(id)),
        actor: names.get(actor) ?? actor,
        at: occurredAt,
      })),
      next: page.next,
    };
  }
}

function requireAuthority(
  action: LicensingAction,
  actor: Administrator,
  organizationId: string | null,
): void {
  if (mayAdminister(action, actor, organizationId)) return;
  throw new PublicError(
    403,
    'access_denied',
    'Licenses are administered by owners and administrators of your organization. Ask one of them.',
  );
}

/** The day that it is in a time zone, as `2026-03-29`. */
function dayOf(instant: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', {
    ...{ timeZone, year: 'numeric', month: '2-digit', day: '2-digit' },
  }).formatToParts(instant);
  return ['year', 'month', 'day'].map((part) => parts.find(({ type }) => type === part)?.value).join('-');
}
