import { Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { IsUUID, Matches, IsInt, IsOptional, Max, Min } from 'class-validator';
import { idOf, JsonBody, PublicError, QueryOf, toWire } from '#platform';
import { OfflineLicenses } from '../offline/offline-licenses.js';
import { SeatLeaseRepository } from '../seats/lease.repository.js';
import { SeatReservationRepository } from '../seats/reservation.repository.js';
import {
  LEASE_LIST,
  LICENSE_FILE,
  LICENSE_FILE_LIST,
  RESERVATION,
  RESERVATION_LIST,
  RETURNED_FILE,
} from './answers.js';
import type { Reach } from './authority.guard.js';
import { LicenseListRepository } from './license-list.repository.js';
import { CursorQuery } from './license-requests.js';
import { instant, IsCount, IsInstant, PAGE } from './request.js';
import { Administers, CurrentReach } from './route.js';

export class ReservationBody {
  @IsUUID()
  invitation_id!: string;

  @IsInstant()
  expires_at!: string;
}

export class LeaseListQuery {
  @IsOptional()
  @Matches(/^\d{1,15}$/, { message: 'cursor must be next_cursor of the page before' })
  cursor?: string;

  @IsOptional()
  @IsCount()
  limit?: string;
}

export class OfflineGrantBody {
  @Matches(/^[A-Za-z0-9._-]{1,128}$/, {
    message: 'instance must be 1 to 128 letters, digits, dots, underscores and hyphens',
  })
  instance!: string;

  @IsInt()
  @Min(0)
  @Max(1_000_000)
  seat_block!: number;

  @IsInstant()
  expires_at!: string;
}

/** Seats that are held otherwise than by name: kept for invitations, leased, or away in a license file. */
@Controller('v1/licenses/:id')
export class HeldSeatsController {
  constructor(
    private readonly reservations: SeatReservationRepository,
    private readonly leases: SeatLeaseRepository,
    private readonly offline: OfflineLicenses,
    private readonly lists: LicenseListRepository,
  ) {}

  @Get('reservations')
  @Administers('seats:read', 'List the seats that are kept for invitations', {
    query: CursorQuery,
    answer: RESERVATION_LIST,
  })
  async listReservations(
    @Param('id') id: string,
    @QueryOf() { cursor, limit }: CursorQuery,
    @CurrentReach() reach: Reach,
  ) {
    const licenseId = await this.within(id, reach);
    const { items, next } = await this.lists.reservations(licenseId, cursor ?? null, Number(limit ?? PAGE));
    return { reservations: toWire(items), next_cursor: next };
  }

  @Post('reservations')
  @HttpCode(200)
  @Administers('seats:assign', 'Keep a seat for an invitation', {
    body: ReservationBody,
    answer: RESERVATION,
  })
  async reserve(@Param('id') id: string, @JsonBody() body: ReservationBody, @CurrentReach() reach: Reach) {
    const licenseId = await this.within(id, reach);
    const { invitation_id: invitationId, expires_at: expiresAt } = body;
    return toWire(
      await this.reservations.reserveSeat(licenseId, invitationId, instant(expiresAt), reach.actor),
    );
  }

  @Delete('reservations/:invitationId')
  @HttpCode(204)
  @Administers('seats:assign', 'Give back the seat that is kept for an invitation')
  async cancel(
    @Param('id') id: string,
    @Param('invitationId') invitationId: string,
    @CurrentReach() reach: Reach,
  ): Promise<void> {
    const licenseId = idOf(id, 'license');
    const organizationId = await this.lists.organizationOf(licenseId, reach.organizationId);
    const invitation = { organizationId, invitationId: idOf(invitationId, 'reservation') };
    const cancelled = await this.reservations.cancelReservation(invitation, reach.actor, licenseId);
    if (cancelled === 0) {
      throw new PublicError(
        404,
        'unknown_reservation',
        'No seat of this license is kept for this invitation.',
      );
    }
  }

  @Get('leases')
  @Administers('seats:read', 'List the floating seats that are held now', {
    query: LeaseListQuery,
    answer: LEASE_LIST,
  })
  async listLeases(
    @Param('id') id: string,
    @QueryOf() { cursor, limit }: LeaseListQuery,
    @CurrentReach() reach: Reach,
  ) {
    const licenseId = await this.within(id, reach);
    const { items, next } = await this.lists.leases(licenseId, cursor ?? null, Number(limit ?? PAGE));
    return { leases: toWire(items), next_cursor: next };
  }

  @Delete('leases/:fence')
  @HttpCode(204)
  @Administers('seats:assign', 'End a floating seat by its fence number')
  async endLease(
    @Param('id') id: string,
    @Param('fence') fence: string,
    @CurrentReach() reach: Reach,
  ): Promise<void> {
    const licenseId = await this.within(id, reach);
    const number = /^\d{1,15}$/.test(fence) ? Number(fence) : 0;
    await this.leases.endLease(licenseId, number, reach.actor);
  }

  @Get('offline-grants')
  @Administers('offline:read', 'List the license files that were issued', {
    query: CursorQuery,
    answer: LICENSE_FILE_LIST,
  })
  async listFiles(
    @Param('id') id: string,
    @QueryOf() { cursor, limit }: CursorQuery,
    @CurrentReach() reach: Reach,
  ) {
    const licenseId = await this.within(id, reach);
    const { items, next } = await this.lists.offlineGrants(licenseId, cursor ?? null, Number(limit ?? PAGE));
    return { offline_grants: toWire(items), next_cursor: next };
  }

  @Post('offline-grants')
  @HttpCode(201)
  @Administers('offline:write', 'Issue a license file for an instance without a network', {
    body: OfflineGrantBody,
    answer: LICENSE_FILE,
  })
  async issueFile(@Param('id') id: string, @JsonBody() body: OfflineGrantBody, @CurrentReach() reach: Reach) {
    const licenseId = await this.within(id, reach);
    const { instance, seat_block: seatBlock, expires_at: expiresAt } = body;
    const request = { licenseId, instance, seatBlock, expiresAt: instant(expiresAt) };
    const { file, grant } = await this.offline.issue(request, reach.actor);
    return { file, grant: toWire(grant) };
  }

  @Delete('offline-grants/:grantId')
  @HttpCode(200)
  @Administers('offline:write', 'Take the seats of a license file back, when its instance has stopped', {
    answer: RETURNED_FILE,
  })
  async returnFile(@Param('id') id: string, @Param('grantId') grantId: string, @CurrentReach() reach: Reach) {
    const licenseId = await this.within(id, reach);
    return toWire(await this.offline.return(idOf(grantId, 'grant'), reach.actor, licenseId));
  }

  private async within(id: string, { organizationId }: Reach): Promise<string> {
    const licenseId = idOf(id, 'license');
    await this.lists.organizationOf(licenseId, organizationId);
    return licenseId;
  }
}
