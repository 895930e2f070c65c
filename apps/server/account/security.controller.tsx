import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsString } from 'class-validator';
import { RequireAnySession, RequireRecentSession } from '#platform';
import { actorOf, Csrf, Factors } from '#sessions';
import { CsrfForm } from '../pages/forms.js';
import { ReturnAddress } from '../pages/return-address.js';
import { CurrentVisit, type Visit } from '../pages/visit.js';
import { FactorPages } from './factor-pages.js';
import type { SecurityDone } from './security.view.js';

class SecurityQuery {
  @IsOptional()
  @IsString()
  return_to?: string;

  @IsOptional()
  @IsIn(['totp-removed', 'passkey-removed', 'passkey-renamed'])
  done?: SecurityDone;
}

/** What a person signs in with, and their recovery codes. */
@Controller('account/security')
export class SecurityController {
  constructor(
    private readonly factors: Factors,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly factorPages: FactorPages,
  ) {}

  @Get()
  @RequireAnySession()
  async show(
    @Query() { return_to: address, done }: SecurityQuery,
    @CurrentVisit() visit: Visit,
  ): Promise<void> {
    const returnTo = address === undefined ? {} : { returnTo: await this.returnAddress.safe(address) };
    await this.factorPages.list(visit, { ...returnTo, done });
  }

  @Post('recovery-codes')
  @RequireRecentSession('/account/security')
  async makeRecoveryCodes(@Body() form: CsrfForm, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, request } = visit;
    this.csrf.check(request, form.csrf_token);
    const codes = await this.factors.makeRecoveryCodes(session, actorOf(session, request.ip));
    if (codes.length === 0)
      return this.factorPages.list(visit, { status: 409, problem: { kind: 'no-factor' } });
    await this.factorPages.codes(visit, 'Your new recovery codes', codes, '/account/security');
  }
}
