import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn, IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentSession, RequireAnySession, RequireRecentSession } from '#platform';
import { actorOf, Csrf, Factors, type Session } from '#sessions';
import { CsrfForm } from '../pages/forms.js';
import { ReturnAddress } from '../pages/return-address.js';
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
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const returnTo = address === undefined ? {} : { returnTo: await this.returnAddress.safe(address) };
    await this.factorPages.list({ session, request, reply }, { ...returnTo, done });
  }

  @Post('recovery-codes')
  @RequireRecentSession('/account/security')
  async makeRecoveryCodes(
    @Body() form: CsrfForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.csrf.check(request, form.csrf_token);
    const visit = { session, request, reply };
    const codes = await this.factors.makeRecoveryCodes(session, actorOf(session, request.ip));
    if (codes.length === 0)
      return this.factorPages.list(visit, { status: 409, problem: { kind: 'no-factor' } });
    this.factorPages.codes(visit, 'Your new recovery codes', codes, '/account/security');
  }
}
