import { Controller, Get, Res, StreamableFile } from '@nestjs/common';
import { IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { QueryOf, toWire } from '#platform';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import type { Page } from '../page.js';
import { csvLine, invalidRange } from '../usage/usage-report.js';
import { USAGE_LIST } from './answers.js';
import type { Reach } from './authority.guard.js';
import { organizationWithin } from './licenses.controller.js';
import { instant, IsCatalogKey, IsCount, IsInstant, PAGE } from './request.js';
import { Administers, CurrentReach } from './route.js';
import {
  UsageExportRepository,
  type BilledUse,
  type UsageCursor,
  type UsageFilter,
} from './usage-export.repository.js';

/** Lines that are read and sent at a time of an answer that has all of them. */
const WHOLE_PAGE = 500;
const CSV = 'text/csv; charset=utf-8; header=present';
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

  /**
   * As CSV everything in one answer, which is read from the database page by page; with `limit` one page, whose next is
   * told by a Link header (RFC 8288).
   */
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
    const whole = query.format === 'csv' && query.limit === undefined;
    const page = await this.uses.page(filter, after, whole ? WHOLE_PAGE : Number(query.limit ?? PAGE));
    const { items, next } = page;
    if (query.format !== 'csv') return { usage: toWire(items), next_cursor: next };
    void reply.type(CSV);
    // the first page is there already: what cannot be read at all is an error, and not an answer that breaks off
    if (whole) return new StreamableFile(Readable.from(this.lines(filter, page)), { type: CSV });
    if (next !== null) {
      const parameters = new URLSearchParams({ ...query, cursor: next });
      void reply.header('link', `</v1/usage/export?${parameters}>; rel="next"`);
    }
    return [csvLine(COLUMNS), ...items.map(lineOf)].join('');
  }

  /** Reads no page before the one before it has been taken. */
  private async *lines(filter: UsageFilter, first: Page<BilledUse>): AsyncGenerator<string, void, undefined> {
    yield csvLine(COLUMNS);
    for (let page = first; ;) {
      yield page.items.map(lineOf).join('');
      if (page.next === null) return;
      page = await this.uses.page(filter, cursorOf(page.next), WHOLE_PAGE);
    }
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
