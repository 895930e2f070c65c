import { Controller, Delete, Get, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AccountDeletionRepository, PersonExportRepository } from '#accounts';
import type { LiveToken } from '#oauth';
import { CurrentToken, PublicError } from '#platform';
import { ACCOUNT_EXPORT, DELETION } from './account-answers.js';
import { AccountApi } from './account-api-route.js';
import { personOf, tokenActor } from './token-person.js';

/** What is kept about a person and the end of it, for who holds their token. */
@Controller('v1/account')
export class AccountDataApiController {
  constructor(
    private readonly exports: PersonExportRepository,
    private readonly deletion: AccountDeletionRepository,
  ) {}

  @Get('export')
  @AccountApi('account:security', 'Take one’s data along as JSON', { recent: true, answer: ACCOUNT_EXPORT })
  async export(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest) {
    const data = await this.exports.person(personOf(token).userId, tokenActor(token, request));
    if (!data) throw new PublicError(404, 'unknown_account', 'The account is gone.');
    return data;
  }

  /** Asking again changes nothing, and is told the same. */
  @Post('deletion')
  @HttpCode(202)
  @AccountApi('account:security', 'Ask for the deletion of the account', { recent: true, answer: DELETION })
  async delete(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest) {
    const at = await this.deletion.request(personOf(token).userId, tokenActor(token, request));
    return { deletion_at: at.toISOString() };
  }

  @Delete('deletion')
  @HttpCode(204)
  @AccountApi('account:security', 'Undo the request for the deletion')
  async keep(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest): Promise<void> {
    await this.deletion.undo(personOf(token).userId, tokenActor(token, request));
  }
}
