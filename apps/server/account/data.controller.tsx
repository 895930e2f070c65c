import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountDeletionRepository, normalizeEmail, PersonExportRepository } from '#accounts';
import {
  Configuration,
  CurrentSession,
  PublicError,
  RequireAnySession,
  RequireRecentSession,
} from '#platform';
import { actorOf, Csrf, type Session } from '#sessions';
import { FORM_EXPIRED, refused, type FormFailure } from '../pages/form-failure.js';
import { CsrfForm } from '../pages/forms.js';
import { Pages } from '../pages/pages.js';
import { accountOf } from '../pages/visit.js';
import { DataView, type DataDone } from './data.view.js';

class DataQuery {
  @IsOptional()
  @IsIn(['kept'])
  done?: DataDone;
}

class DeletionForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'confirmation must be sent once.' })
  @MaxLength(1000, { message: 'The confirmation is too long.' })
  confirmation?: string;
}

interface Shown {
  readonly done?: DataDone | undefined;
  readonly failure?: FormFailure;
  /** What was typed into the form that was refused. */
  readonly typed?: string;
}

/** What is kept about a person, for them to take along, and the end of it. */
@Controller('account/data')
export class DataController {
  constructor(
    private readonly deletion: AccountDeletionRepository,
    private readonly exports: PersonExportRepository,
    private readonly configuration: Configuration,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  /** Who owes an organization a second factor may end or keep their account all the same. */
  @Get()
  @RequireAnySession()
  async show(
    @Query() { done }: DataQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.page(session, request, reply, { done });
  }

  @Get('export')
  @RequireRecentSession('/account/data')
  async export(
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const data = await this.exports.person(session.userId, actorOf(session, request.ip));
    await reply
      .headers({
        'content-type': 'application/json; charset=utf-8',
        'content-disposition': 'attachment; filename="account.json"',
        'cache-control': 'no-store',
      })
      .send(`${JSON.stringify(data, null, 2)}\n`);
  }

  @Post('deletion')
  @RequireRecentSession('/account/data')
  async delete(
    @Body() form: DeletionForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { confirmation: typed = '' } = form;
    const again = (failure: FormFailure) => this.page(session, request, reply, { failure, typed });
    if (!this.csrf.holds(request, form.csrf_token)) return again(FORM_EXPIRED);
    if (normalizeEmail(typed) !== session.email) {
      const confirmation = `Type ${session.email} to confirm that you mean this account.`;
      return again(refused('Your account stays as it is.', { confirmation }));
    }
    try {
      await this.deletion.request(session.userId, actorOf(session, request.ip));
    } catch (error) {
      if (error instanceof PublicError) return again(failureOf(error));
      throw error;
    }
    reply.redirect('/account/data', 303);
  }

  @Post('deletion/undo')
  @RequireAnySession()
  async undo(
    @Body() form: CsrfForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (!this.csrf.holds(request, form.csrf_token)) {
      return this.page(session, request, reply, { failure: FORM_EXPIRED });
    }
    try {
      await this.deletion.undo(session.userId, actorOf(session, request.ip));
    } catch (error) {
      if (error instanceof PublicError) {
        return this.page(session, request, reply, { failure: failureOf(error) });
      }
      throw error;
    }
    reply.redirect('/account/data?done=kept', 303);
  }

  private async page(
    session: Session,
    request: FastifyRequest,
    reply: FastifyReply,
    shown: Shown,
  ): Promise<void> {
    const view = (
      <DataView
        {...shown}
        account={accountOf({ session, request, reply }, this.csrf)}
        deletionAt={await this.deletion.deletionAt(session.userId)}
        graceDays={this.configuration.deletionGraceDays}
      />
    );
    this.pages.send(reply, view, { status: shown.failure?.status ?? 200 });
  }
}

function failureOf({ status, publicMessage: text }: PublicError): FormFailure {
  return { status, title: 'Nothing has been changed', text };
}
