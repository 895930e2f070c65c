import { Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { AccountRepository } from '#accounts';
import { IsBoolean, IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { idOf, JsonBody, PublicError, QueryOf, toWire } from '#platform';
import { LicenseOverviewRepository } from '../license-overview.repository.js';
import { SeatImportRepository } from '../seats/seat-import.repository.js';
import { readImport } from '../seats/seat-import.js';
import { SeatRepository } from '../seats/seat.repository.js';
import { SEAT, SEAT_IMPORT, SEAT_LIST } from './answers.js';
import type { Reach } from './authority.guard.js';
import { LicenseListRepository } from './license-list.repository.js';
import { CursorQuery } from './license-requests.js';
import { organizationWithin } from './licenses.controller.js';
import { IsCatalogKey, PAGE } from './request.js';
import { Administers, CurrentReach } from './route.js';

/** Fits into the longest body that the server takes; the command line takes larger files. */
const LONGEST_CSV = 60_000;

export class SeatImportBody {
  /** The caller's own unless told; an operator tells it. */
  @IsOptional()
  @IsUUID()
  organization_id?: string;

  @IsCatalogKey()
  module!: string;

  /** `email` or `email,license` in the first line, one person in each of the others. */
  @IsString()
  @MaxLength(LONGEST_CSV)
  csv!: string;

  /** Says what would happen, and changes nothing. */
  @IsOptional()
  @IsBoolean()
  dry_run?: boolean;
}

/** Named seats: who holds one, and who gets one. Asking twice is asking once. */
@Controller('v1')
export class SeatsController {
  constructor(
    private readonly seats: SeatRepository,
    private readonly imports: SeatImportRepository,
    private readonly lists: LicenseListRepository,
    private readonly overview: LicenseOverviewRepository,
    private readonly accounts: AccountRepository,
  ) {}

  @Get('licenses/:id/seats')
  @Administers('seats:read', 'List who holds a named seat', { query: CursorQuery, answer: SEAT_LIST })
  async list(@Param('id') id: string, @QueryOf() query: CursorQuery, @CurrentReach() reach: Reach) {
    const licenseId = await this.within(id, reach);
    const { items, next } = await this.overview.seatHolders(
      licenseId,
      query.cursor ?? null,
      Number(query.limit ?? PAGE),
    );
    const count = await this.overview.namedSeatsInUse(licenseId);
    return { seats: toWire(items), named_seats_in_use: count, next_cursor: next };
  }

  @Put('licenses/:id/seats/:userId')
  @Administers('seats:assign', 'Give a person a seat', { answer: SEAT })
  async assign(@Param('id') id: string, @Param('userId') userId: string, @CurrentReach() reach: Reach) {
    const licenseId = await this.within(id, reach);
    const seat = await this.seats.assignSeat(licenseId, idOf(userId, 'user'), reach.actor);
    return toWire(seat);
  }

  @Delete('licenses/:id/seats/:userId')
  @HttpCode(204)
  @Administers('seats:assign', 'Take the seat of a person back')
  async release(
    @Param('id') id: string,
    @Param('userId') userId: string,
    @CurrentReach() reach: Reach,
  ): Promise<void> {
    const licenseId = await this.within(id, reach);
    if (await this.seats.releaseSeat(licenseId, idOf(userId, 'user'), reach.actor)) return;
    throw new PublicError(404, 'unknown_seat', 'This person holds no seat of this license.');
  }

  @Post('seat-imports')
  @HttpCode(200)
  @Administers('seats:assign', 'Give seats to the people of a CSV file, or say what would happen', {
    body: SeatImportBody,
    answer: SEAT_IMPORT,
  })
  async import(@JsonBody() body: SeatImportBody, @CurrentReach() reach: Reach) {
    const organizationId = organizationWithin(body.organization_id ?? null, reach);
    if (organizationId === null) {
      throw new PublicError(400, 'invalid_request', 'organization_id says whose people they are.');
    }
    const organization = await this.accounts.organizationById(organizationId);
    if (!organization) {
      throw new PublicError(404, 'unknown_organization', 'There is no such organization.');
    }
    const lines = readImport(Buffer.from(body.csv, 'utf8'));
    const target = {
      organizationKey: organization.key,
      moduleKey: body.module,
      drafts: reach.organizationId === null,
    };
    const results =
      body.dry_run === true
        ? await this.imports.plan(lines, target)
        : await this.imports.run(lines, target, reach.actor);
    return { dry_run: body.dry_run === true, results: toWire(results) };
  }

  private async within(id: string, { organizationId }: Reach): Promise<string> {
    const licenseId = idOf(id, 'license');
    await this.lists.organizationOf(licenseId, organizationId);
    return licenseId;
  }
}
