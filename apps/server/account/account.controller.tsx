import { Controller, Get } from '@nestjs/common';
import { AccountDeletionRepository, AccountRepository } from '#accounts';
import { RequireAnySession } from '#platform';
import { Csrf, FactorRepository } from '#sessions';
import { Pages } from '../pages/pages.js';
import { accountOf, CurrentVisit, type Visit } from '../pages/visit.js';
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
  async show(@CurrentVisit() visit: Visit): Promise<void> {
    const { userId, authTime } = visit.session;
    const view = (
      <AccountView
        account={accountOf(visit, this.csrf)}
        organizations={await this.accounts.membershipsOf(userId)}
        secondFactor={await this.factors.hasSecondFactor(userId)}
        signedInAt={authTime}
        deletionAt={await this.deletion.deletionAt(userId)}
      />
    );
    this.pages.send(visit.reply, view);
  }
}
