import { Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import { IsIn, IsInt, IsOptional, IsUUID, Matches, Max, Min } from 'class-validator';
import type { SeatModel } from '@core-auth/module-kit/licensing';
import { idOf, JsonBody, QueryOf, toWire } from '#platform';
import type { FastifyReply } from 'fastify';
import { HistoryRepository } from '../history.repository.js';
import { LicenseDetailsRepository } from '../license-details.repository.js';
import { TrialRepository } from '../trial.repository.js';
import { UsageReportRepository } from '../usage/usage-report.repository.js';
import { DAILY_USE, LICENSE, PAST_LICENSE, TIMELINE } from './answers.js';
import type { Reach } from './authority.guard.js';
import { entityTag } from './entity-tag.js';
import { Reasoned } from './license-requests.js';
import { instant, IsCatalogKey, IsCount, IsInstant } from './request.js';
import { Administers, CurrentReach } from './route.js';

const DAY = /^\d{4}-\d{2}-\d{2}$/;

export class TimelineQuery {
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'cursor must be next_cursor of the page before' })
  cursor?: string;

  @IsOptional()
  @IsCount()
  limit?: string;
}

export class StateQuery {
  @IsInstant()
  at!: string;
}

export class DailyUseQuery {
  @IsCatalogKey()
  feature!: string;

  /** The first and the last day, in the time zone of the license. */
  @Matches(DAY, { message: 'from must be a day such as 2026-03-29' })
  from!: string;

  @Matches(DAY, { message: 'to must be a day such as 2026-03-29' })
  to!: string;
}

export class TrialBody extends Reasoned {
  @IsUUID()
  organization_id!: string;

  @IsCatalogKey()
  module!: string;

  @IsUUID()
  plan_version_id!: string;

  @IsInt()
  @Min(1)
  @Max(365)
  days!: number;

  @IsOptional()
  @Matches(/^[A-Za-z][\w+/-]{0,63}$/, { message: 'time_zone must be an IANA name such as Europe/Berlin' })
  time_zone?: string | null;

  @IsOptional()
  @IsIn(['named', 'floating', 'unlimited'])
  seat_model?: SeatModel | null;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  seat_limit?: number | null;
}

/** What became of a license: who did what, how it was at an instant, and what it has borne. */
@Controller('v1/licenses/:id')
export class HistoryController {
  constructor(
    private readonly history: HistoryRepository,
    private readonly details: LicenseDetailsRepository,
    private readonly reports: UsageReportRepository,
  ) {}

  @Get('usage')
  @Administers('usage:read', 'Read what a license has borne of a metered feature, day by day', {
    query: DailyUseQuery,
    answer: DAILY_USE,
  })
  async usage(
    @Param('id') id: string,
    @QueryOf() { feature, from: first, to: last }: DailyUseQuery,
    @CurrentReach() reach: Reach,
  ) {
    const licenseId = idOf(id, 'license');
    const license = await this.details.find(licenseId, reach.organizationId);
    const { organizationId, module: moduleKey, timeZone } = license;
    const { licenses } = await this.reports.present(organizationId, moduleKey, feature);
    const days = { first, last, timeZone };
    const series = await this.reports.series(organizationId, moduleKey, feature, days, licenseId);
    const present = licenses.find((bearer) => bearer.licenseId === licenseId);
    return toWire({
      ...{ feature, timeZone, days: series },
      present: present
        ? {
            ...{ used: present.used, limit: present.limit },
            ...{ periodStartsAt: present.periodStartsAt, periodEndsAt: present.periodEndsAt },
          }
        : null,
    });
  }

  @Get('timeline')
  @Administers('history:read', 'Read who did what with a license, the latest first', {
    query: TimelineQuery,
    answer: TIMELINE,
  })
  async timeline(
    @Param('id') id: string,
    @QueryOf() { cursor, limit }: TimelineQuery,
    @CurrentReach() { organizationId }: Reach,
  ) {
    const { entries, next } = await this.history.timeline(idOf(id, 'license'), {
      ...(cursor === undefined ? {} : { before: cursor }),
      ...(limit === undefined ? {} : { limit: Number(limit) }),
      ...(organizationId === null ? {} : { organizationId }),
    });
    return { entries: toWire(entries), next_cursor: next };
  }

  @Get('state')
  @Administers('history:read', 'Read a license as it was at an instant', {
    query: StateQuery,
    answer: PAST_LICENSE,
  })
  async state(
    @Param('id') id: string,
    @QueryOf() { at }: StateQuery,
    @CurrentReach() { organizationId }: Reach,
  ) {
    const past = await this.history.stateAt(idOf(id, 'license'), instant(at), organizationId);
    return { at, organization_suspended: past.organizationSuspended, license: toWire(past.license) };
  }
}

@Controller('v1/trials')
export class TrialsController {
  constructor(
    private readonly trials: TrialRepository,
    private readonly details: LicenseDetailsRepository,
  ) {}

  @Post()
  @HttpCode(201)
  @Administers('trials:start', "Start an organization's only trial of a module", {
    body: TrialBody,
    answer: LICENSE,
  })
  async start(
    @JsonBody() body: TrialBody,
    @CurrentReach() { actor }: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { organization_id: organizationId, module: moduleKey, plan_version_id: planVersionId, days } = body;
    const { seat_model: model, seat_limit: limit } = body;
    const { licenseId } = await this.trials.startTrial(
      {
        ...{ organizationId, moduleKey, planVersionId, days, timeZone: body.time_zone ?? 'UTC' },
        seats: { model: model ?? 'unlimited', limit: limit ?? null },
        reason: body.reason ?? undefined,
      },
      actor,
    );
    const details = await this.details.find(licenseId);
    void reply.header('etag', entityTag(details.version)).header('location', `/v1/licenses/${licenseId}`);
    return toWire(details);
  }
}
