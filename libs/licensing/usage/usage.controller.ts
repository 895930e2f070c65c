import { STATUS_CODES } from 'node:http';
import { Body, Controller, Get, Header, Headers, HttpCode, Post, Query, Res } from '@nestjs/common';
import { httpStatusOfDecision } from '@core-auth/module-kit/licensing';
import { IsString, IsUUID, Matches } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { CurrentClient, PublicError } from '#platform';
import { sentenceOfDecision } from '../check/decision-sentences.js';
import { COUNTED_USE, PRESENT_USE, PROBLEMS, USE, USE_REFUSALS } from '../module-answers.js';
import { ForModules } from '../module-route.js';
import { parseUsageBody, type UsageAnswer } from './usage.js';
import { UsageReportRepository } from './usage-report.repository.js';
import { UsageRepository } from './usage.repository.js';

/** What this room needs to know of an authenticated client. */
interface ModuleClient {
  readonly id: string;
  readonly moduleKey: string | null;
}

export class PresentUseRequest {
  @IsUUID()
  organization_id!: string;

  @IsString()
  @Matches(/^[a-z][a-z0-9-]{0,62}$/, { message: 'feature is the key of a metered feature.' })
  feature!: string;
}

/** Errors are problem details (RFC 9457), as the server answers them at this address. */
@Controller('v1/usage')
export class UsageController {
  constructor(
    private readonly usage: UsageRepository,
    private readonly reports: UsageReportRepository,
  ) {}

  /** Counts a use of a metered feature of the calling client's module; a refusal is problem details with its code. */
  @Post()
  @HttpCode(200)
  @ForModules({
    summary: 'Count a use of a metered feature',
    takes: USE,
    idempotencyKey: true,
    answer: COUNTED_USE,
    refusals: USE_REFUSALS,
  })
  @Header('cache-control', 'no-store')
  async record(
    @Body() body: unknown,
    @CurrentClient() client: ModuleClient,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('content-type') type: string | undefined,
    @Headers('idempotency-key') idempotencyKey = '',
  ): Promise<object> {
    const module = moduleOf(client);
    if (!/^application\/json *(;|$)/i.test(type ?? '')) {
      throw new PublicError(400, 'invalid_usage', 'The use must be sent as application/json.');
    }
    const told = parseUsageBody(body);
    const answer = await this.usage.record({ ...told, module, idempotencyKey, clientId: client.id });
    if (answer.allow) return toJson(answer);
    const status = httpStatusOfDecision[answer.code];
    void reply.status(status).type('application/problem+json');
    return {
      type: 'about:blank',
      title: STATUS_CODES[status],
      status,
      detail: sentenceOfDecision[answer.code],
      ...toJson(answer),
    };
  }

  /** Use in the present period of a feature of the calling client's module, by license. */
  @Get()
  @ForModules({
    summary: 'Read the use of the present period, by license',
    query: PresentUseRequest,
    answer: PRESENT_USE,
    refusals: PROBLEMS,
  })
  @Header('cache-control', 'no-store')
  async present(
    @Query() { organization_id: organizationId, feature }: PresentUseRequest,
    @CurrentClient() client: ModuleClient,
  ): Promise<object> {
    const { licenses, ...present } = await this.reports.present(organizationId, moduleOf(client), feature);
    return {
      ...toJson(present),
      licenses: licenses.map(({ licenseId, used, limit, periodStartsAt, periodEndsAt }) => ({
        ...{ license_id: licenseId, used, limit },
        period_starts_at: periodStartsAt.toISOString(),
        period_ends_at: periodEndsAt.toISOString(),
      })),
    };
  }
}

function moduleOf({ moduleKey }: ModuleClient): string {
  if (moduleKey !== null) return moduleKey;
  throw new PublicError(403, 'access_denied', 'Only the clients of modules may tell and read use.');
}

function toJson({ allow, code, used, limit, periodStartsAt, periodEndsAt, replayed }: UsageAnswer) {
  return {
    ...{ allow, code, used, limit },
    ...(replayed ? { replayed } : {}),
    period_starts_at: periodStartsAt?.toISOString() ?? null,
    period_ends_at: periodEndsAt?.toISOString() ?? null,
  };
}
