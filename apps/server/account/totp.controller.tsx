import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { RequireRecentSession } from '#platform';
import { actorOf, Csrf, FactorRepository, Factors, TotpEnrolment, type TotpOffer } from '#sessions';
import { CsrfForm } from '../pages/forms.js';
import { Pages } from '../pages/pages.js';
import { ReturnAddress } from '../pages/return-address.js';
import { accountOf, CurrentVisit, type Visit } from '../pages/visit.js';
import { FactorPages } from './factor-pages.js';
import { TotpView } from './totp.view.js';

const SECURITY = '/account/security';

class EnrolmentQuery {
  @IsOptional()
  @IsString()
  return_to?: string;
}

class EnrolmentForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'return_to must be sent once.' })
  return_to?: string;

  @IsOptional()
  @IsString({ message: 'offer must be sent once.' })
  @MaxLength(1024, { message: 'The offer is too long.' })
  offer?: string;

  @IsOptional()
  @IsString({ message: 'code must be sent once.' })
  code?: string;
}

/** The authenticator app of an account. */
@Controller('account/security/totp')
export class TotpController {
  constructor(
    private readonly enrolment: TotpEnrolment,
    private readonly factors: FactorRepository,
    private readonly acts: Factors,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly pages: Pages,
    private readonly factorPages: FactorPages,
  ) {}

  @Get()
  @RequireRecentSession(SECURITY)
  async show(
    @Query() { return_to: address = SECURITY }: EnrolmentQuery,
    @CurrentVisit() visit: Visit,
  ): Promise<void> {
    const returnTo = await this.returnAddress.safe(address);
    await this.page(visit, this.enrolment.offer(visit.session), returnTo);
  }

  @Post()
  @RequireRecentSession(SECURITY)
  async confirm(@Body() form: EnrolmentForm, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, request } = visit;
    this.csrf.check(request, form.csrf_token);
    const { offer: envelope = '', code = '' } = form;
    const returnTo = await this.returnAddress.safe(form.return_to ?? SECURITY);
    const offer = this.enrolment.reopen(session, envelope);
    if (!offer) return this.page(visit, this.enrolment.offer(session), returnTo, 'offer-expired');
    if (!(await this.enrolment.confirm(session, envelope, code, actorOf(session, request.ip)))) {
      return this.page(visit, offer, returnTo, 'wrong-code');
    }
    await this.factorPages.added(visit, 'Your authenticator app is set up', ['otp'], returnTo);
  }

  @Post('remove')
  @RequireRecentSession(SECURITY)
  async remove(@Body() form: CsrfForm, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, request, reply } = visit;
    this.csrf.check(request, form.csrf_token);
    const removal = await this.acts.removeTotp(session, actorOf(session, request.ip));
    if (removal.kind !== 'removed') {
      return this.factorPages.list(visit, { status: 409, problem: removal });
    }
    reply.redirect(`${SECURITY}?done=totp-removed`, 303);
  }

  private async page(
    visit: Visit,
    offer: TotpOffer,
    returnTo: string,
    failure?: 'wrong-code' | 'offer-expired',
  ): Promise<void> {
    const { totp } = await this.factors.of(visit.session.userId);
    const view = (
      <TotpView
        account={accountOf(visit, this.csrf)}
        offer={offer}
        returnTo={returnTo}
        replaces={totp !== undefined}
        failure={failure}
      />
    );
    this.pages.send(visit.reply, view, { status: failure ? 400 : 200 });
  }
}
