import { Body, Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OfflineLicenses, SeatLeaseRepository, SeatRepository } from '#licensing';
import { addSeconds, Clock, CurrentSession, PublicError, RequireSession } from '#platform';
import type { Session } from '#sessions';
import { LICENSE_DONE, type LicenseDone } from './license-done.js';
import { LicensePage } from './license-page.js';

const A_DAY = 86_400;

class LicenseParameters {
  @IsUUID(undefined, { message: 'There is no such license.' })
  id!: string;
}

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
  @RequireSession()
  async show(
    @Param() { id }: LicenseParameters,
    @Query() { before, done }: LicenseQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.page.show({ id, session, request, reply }, { before, done });
  }

  @Post('seats')
  @RequireSession()
  async assign(
    @Param() { id }: LicenseParameters,
    @Body() form: SeatForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.page.act({ id, session, request, reply }, 'seats:assign', form, async () => {
      await this.seats.assignSeat(id, form.user_id, session.userId);
      done(reply, id, 'assigned');
    });
  }

  @Post('seats/release')
  @RequireSession()
  async release(
    @Param() { id }: LicenseParameters,
    @Body() form: SeatForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.page.act({ id, session, request, reply }, 'seats:assign', form, async () => {
      await this.seats.releaseSeat(id, form.user_id, session.userId);
      done(reply, id, 'released');
    });
  }

  @Post('leases/end')
  @RequireSession()
  async endLease(
    @Param() { id }: LicenseParameters,
    @Body() form: LeaseForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.page.act({ id, session, request, reply }, 'seats:assign', form, async () => {
      await this.leases.endLease(id, Number(form.fence), session.userId);
      done(reply, id, 'ended');
    });
  }

  /** Answers with the file itself, which nobody keeps. */
  @Post('files')
  @RequireSession()
  async issueFile(
    @Param() { id }: LicenseParameters,
    @Body() form: FileForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { instance = '', seats = '', days = '' } = form;
    const issue = async () => {
      const wanted = {
        licenseId: id,
        instance: instance.trim(),
        seatBlock: wholeNumber(seats, 'Say how many seats go with the file; 0 of a license for everybody.'),
        expiresAt: addSeconds(this.clock.now(), wholeNumber(days, 'Say for how many days.') * A_DAY),
      };
      const { file, grant } = await this.offline.issue(wanted, session.userId);
      void reply
        .status(200)
        .headers({
          'content-type': 'application/jose',
          'content-disposition': `attachment; filename="${grant.instance}-${grant.sequence}.jws"`,
          'cache-control': 'no-store',
        })
        .send(`${file}\n`);
    };
    const visit = { id, session, request, reply };
    await this.page.act(visit, 'offline:write', form, issue, { instance, seats, days });
  }

  @Post('files/return')
  @RequireSession()
  async returnFile(
    @Param() { id }: LicenseParameters,
    @Body() form: ReturnForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.page.act({ id, session, request, reply }, 'offline:write', form, async () => {
      await this.offline.return(form.grant, session.userId, id);
      done(reply, id, 'returned');
    });
  }
}

function done(reply: FastifyReply, licenseId: string, what: LicenseDone): void {
  reply.redirect(`/console/licenses/${licenseId}?done=${what}`, 303);
}

function wholeNumber(text: string, sentence: string): number {
  if (/^\d{1,7}$/.test(text.trim())) return Number(text);
  throw new PublicError(400, 'invalid_offline_grant', sentence);
}
