import { Controller, Delete, Get, Header, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AccountDeletionRepository, PersonExportRepository } from '#accounts';
import type { LiveToken } from '#oauth';
import { CurrentToken, PublicError, RequireRecentToken, RequireScope } from '#platform';
import { personOf, tokenActor } from './token-person.js';

/** What is kept about a person and the end of it, for who holds their token. */
@Controller('v1/account')
export class AccountDataApiController {
  constructor(
    private readonly exports: PersonExportRepository,
    private readonly deletion: AccountDeletionRepository,
  ) {}

  @Get('export')
  @RequireRecentToken('account:read')
  @Header('cache-control', 'no-store')
  async export(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest) {
    const data = await this.exports.person(personOf(token).userId, tokenActor(token, request));
    if (!data) throw new PublicError(404, 'unknown_account', 'The account is gone.');
    return data;
  }

  /** Asking again changes nothing, and is told the same. */
  @Post('deletion')
  @HttpCode(202)
  @RequireRecentToken('account:write')
  @Header('cache-control', 'no-store')
  async delete(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest) {
    const at = await this.deletion.request(personOf(token).userId, tokenActor(token, request));
    return { deletion_at: at.toISOString() };
  }

  @Delete('deletion')
  @HttpCode(204)
  @RequireScope('account:write')
  async keep(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest): Promise<void> {
    await this.deletion.undo(personOf(token).userId, tokenActor(token, request));
  }
}
