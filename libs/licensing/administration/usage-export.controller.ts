import { Controller, Get, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { toWire } from '#platform';
import type { FastifyReply } from 'fastify';
import { csvLine, invalidRange } from '../usage/usage-report.js';
import { USAGE_LIST } from './answers.js';
import type { Reach } from './authority.guard.js';
import { organizationWithin } from './licenses.controller.js';
import { instant, IsCatalogKey, IsCount, IsInstant, PAGE } from './request.js';
import { Administers, CurrentReach, QueryOf } from './route.js';
import { UsageExportRepository, type BilledUse, type UsageCursor } from './usage-export.repository.js';

const CURSOR = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([a-z][a-z0-9-]{0,62})_(\d{1,14})$/;

export class UsageExportQuery {
  @IsInstant()
  from!: string;

  @IsInstant()
  to!: string;

  @IsOptional()
  @IsUUID()
  organization_id?: string;

  @IsOptional()
  @IsUUID()
  license_id?: string;

  @IsOptional()
  @IsCatalogKey()
  module?: string;

  @IsOptional()
  @IsCatalogKey()
  feature?: string;

  @IsOptional()
  @IsIn(['json', 'csv'])
  format?: 'json' | 'csv';

  @IsOptional()
  @Matches(CURSOR, { message: 'cursor must be next_cursor of the page before' })
  cursor?: string;

  @IsOptional()
  @IsCount()
  limit?: string;
}

/** Metered use for billing. */
@Controller('v1/usage/export')
export class UsageExportController {
  constructor(private readonly uses: UsageExportRepository) {}

  /** As CSV, the next page is told by a Link header (RFC 8288). */
  @Get()
  @Administers('usage:read', 'Export use by license and period, as JSON or CSV', {
    query: UsageExportQuery,
    answers: ['text/csv'],
    answer: USAGE_LIST,
  })
  async export(
    @QueryOf() query: UsageExportQuery,
    @CurrentReach() reach: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const filter = {
      from: instant(query.from),
      to: instant(query.to),
      organizationId: organizationWithin(query.organization_id ?? null, reach),
      licenseId: query.license_id ?? null,
      module: query.module ?? null,
      feature: query.feature ?? null,
    };
    if (filter.from >= filter.to) throw invalidRange('The end of an export lies after its start.');
    const after = query.cursor === undefined ? undefined : cursorOf(query.cursor);
    const { items, next } = await this.uses.page(filter, after, Number(query.limit ?? PAGE));
    if (query.format !== 'csv') return { usage: toWire(items), next_cursor: next };
    if (next !== null) {
      const parameters = new URLSearchParams({ ...query, cursor: next });
      void reply.header('link', `</v1/usage/export?${parameters}>; rel="next"`);
    }
    void reply.type('text/csv; charset=utf-8; header=present');
    return [csvLine(COLUMNS), ...items.map(lineOf)].join('');
  }
}

const COLUMNS = [
  ...['organization_id', 'module', 'license_id', 'feature'],
  ...['period_starts_at', 'period_ends_at', 'used', 'overage'],
];

function lineOf(use: BilledUse): string {
  return csvLine([
    ...[use.organizationId, use.module, use.licenseId, use.feature],
    ...[use.periodStartsAt.toISOString(), use.periodEndsAt.toISOString()],
    ...[String(use.used), use.overage === null ? '' : String(use.overage)],
  ]);
}

function cursorOf(text: string): UsageCursor {
  const [, licenseId = '', feature = '', milliseconds] = CURSOR.exec(text) ?? [];
  const periodStartsAt = new Date(Number(milliseconds));
  return { licenseId, feature, periodStartsAt };
}
