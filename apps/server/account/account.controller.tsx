import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountDeletionRepository, AccountRepository } from '#accounts';
import { CurrentSession, RequireAnySession } from '#platform';
import { Csrf, FactorRepository, type Session } from '#sessions';
import { Pages } from '../pages/pages.js';
import { AccountView } from './account.view.js';

@Controller('account')
export class AccountController {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly deletion: AccountDeletionRepository,
    private readonly factors: FactorRepository,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireAnySession()
  async show(
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { userId, name, email, authTime } = session;
    const view = (
      <AccountView
        account={{ name, email, csrfToken: this.csrf.token(request, reply) }}
        organizations={await this.accounts.membershipsOf(userId)}
        secondFactor={await this.factors.hasSecondFactor(userId)}
        signedInAt={authTime}
        deletionAt={await this.deletion.deletionAt(userId)}
      />
    );
    this.pages.send(reply, view);
  }
}
