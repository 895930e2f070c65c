import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { OfflineLicenses, SeatLeaseRepository, SeatRepository, type IssuedLicenseFile } from '#licensing';
import { addSeconds, Clock, PublicError, RequireOperatorSession } from '#platform';
import { actorOf } from '#sessions';
import { LICENSE_DONE, type LicenseDone } from './license-done.js';
import { CurrentLicenseVisit, LicensePage, type DownloadedFile, type LicenseVisit } from './license-page.js';

const A_DAY = 86_400;

class LicenseQuery {
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'The timeline goes on where its link says.' })
  before?: string;

  @IsOptional()
  @IsIn(Object.keys(LICENSE_DONE))
  done?: LicenseDone;
}

class SentForm {
  @IsOptional()
  @IsString()
  csrf_token?: string;
}

class SeatForm extends SentForm {
  @IsUUID(undefined, { message: 'Choose a member of the organization.' })
  user_id!: string;
}

class LeaseForm extends SentForm {
  @Matches(/^\d{1,15}$/, { message: 'Choose one of the floating seats.' })
  fence!: string;
}

/** An empty field does not come at all, and is missed in words of its own. */
class FileForm extends SentForm {
  @IsOptional()
  @IsString()
  @MaxLength(200)
  instance?: string;

  @IsOptional()
  @IsString()
  @MaxLength(20)
  seats?: string;

  @IsOptional()
  @IsString()
  @MaxLength(20)
  days?: string;
}

class ReturnForm extends SentForm {
  @IsUUID(undefined, { message: 'Choose one of the license files.' })
  grant!: string;
}

/** A license for who administers it: operators see every organization's, others those of the one they act for. */
@Controller('console/licenses/:id')
export class LicensePageController {
  constructor(
    private readonly page: LicensePage,
    private readonly seats: SeatRepository,
    private readonly leases: SeatLeaseRepository,
    private readonly offline: OfflineLicenses,
    private readonly clock: Clock,
  ) {}

  @Get()
  @RequireOperatorSession('/console/licenses')
  async show(
    @CurrentLicenseVisit() visit: LicenseVisit,
    @Query() { before, done }: LicenseQuery,
  ): Promise<void> {
    await this.page.show(visit, { before, done });
  }

  @Post('seats')
  @RequireOperatorSession('/console/licenses')
  async assign(@CurrentLicenseVisit() visit: LicenseVisit, @Body() form: SeatForm): Promise<void> {
    await this.page.act(visit, 'seats:assign', form, async () => {
      await this.seats.assignSeat(visit.id, form.user_id, actorOf(visit.session, visit.request.ip));
      return 'assigned';
    });
  }

  @Post('seats/release')
  @RequireOperatorSession('/console/licenses')
  async release(@CurrentLicenseVisit() visit: LicenseVisit, @Body() form: SeatForm): Promise<void> {
    await this.page.act(visit, 'seats:assign', form, async () => {
      await this.seats.releaseSeat(visit.id, form.user_id, actorOf(visit.session, visit.request.ip));
      return 'released';
    });
  }

  @Post('leases/end')
  @RequireOperatorSession('/console/licenses')
  async endLease(@CurrentLicenseVisit() visit: LicenseVisit, @Body() form: LeaseForm): Promise<void> {
    await this.page.act(visit, 'seats:assign', form, async () => {
      await this.leases.endLease(visit.id, Number(form.fence), actorOf(visit.session, visit.request.ip));
      return 'ended';
    });
  }

  /** Answers with the file itself, which nobody keeps. */
  @Post('files')
  @RequireOperatorSession('/console/licenses')
  async issueFile(@CurrentLicenseVisit() visit: LicenseVisit, @Body() form: FileForm): Promise<void> {
    const { instance = '', seats = '', days = '' } = form;
    const issue = async () => {
      const wanted = {
        licenseId: visit.id,
        instance: instance.trim(),
        seatBlock: wholeNumber(seats, 'Say how many seats go with the file; 0 of a license for everybody.'),
        expiresAt: addSeconds(this.clock.now(), wholeNumber(days, 'Say for how many days.') * A_DAY),
      };
      return fileAnswer(await this.offline.issue(wanted, actorOf(visit.session, visit.request.ip)));
    };
    await this.page.act(visit, 'offline:write', form, issue, { instance, seats, days });
  }

  @Post('files/return')
  @RequireOperatorSession('/console/licenses')
  async returnFile(@CurrentLicenseVisit() visit: LicenseVisit, @Body() form: ReturnForm): Promise<void> {
    await this.page.act(visit, 'offline:write', form, async () => {
      await this.offline.return(form.grant, actorOf(visit.session, visit.request.ip), visit.id);
      return 'returned';
    });
  }
}

function fileAnswer({ file, grant }: IssuedLicenseFile): DownloadedFile {
  return {
    headers: {
      'content-type': 'application/jose',
      'content-disposition': `attachment; filename="${grant.instance}-${grant.sequence}.jws"`,
      'cache-control': 'no-store',
    },
    text: `${file}\n`,
  };
}

function wholeNumber(text: string, sentence: string): number {
  if (/^\d{1,7}$/.test(text.trim())) return Number(text);
  throw new PublicError(400, 'invalid_offline_grant', sentence);
}
