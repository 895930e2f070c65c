import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import { acrDemand, Authorize, type AcrDemand } from '#oauth';
import { PublicError, RequireAnySession } from '#platform';
import {
  acrOf,
  Csrf,
  FactorRepository,
  OperatorRule,
  PendingSignInCookie,
  PendingSignInRepository,
  SessionRepository,
  StepUp,
  type Session,
} from '#sessions';
import { AuthorizationAnswers } from '../pages/authorization-answers.js';
import { queryHref } from '../pages/links.js';
import { Pages } from '../pages/pages.js';
import { resumed, ReturnAddress } from '../pages/return-address.js';
import { accountOf, CurrentVisit, type Visit } from '../pages/visit.js';
import { StepUpView } from './step-up.view.js';

class StepUpQuery {
  @IsOptional()
  @IsString({ message: 'return_to must be sent once.' })
  return_to?: string;
}

class DeclineForm extends StepUpQuery {
  @IsOptional()
  @IsString({ message: 'csrf_token must be sent once.' })
  csrf_token?: string;
}

/** What operators do is done there. */
const CONSOLE = /^\/console(?:[/?]|$)/;

/** Who asks whom for a second factor, and how much. */
interface Asking {
  readonly name: string;
  readonly whom: 'people' | 'members' | 'operators';
  readonly demand: AcrDemand | 'required';
}

/** From an authentication that was not enough to one that is, and back to where the person was going. */
@Controller('step-up')
export class StepUpController {
  constructor(
    private readonly stepUp: StepUp,
    private readonly operatorRule: OperatorRule,
    private readonly factors: FactorRepository,
    private readonly pendingSignIns: PendingSignInRepository,
    private readonly pendingCookie: PendingSignInCookie,
    private readonly sessions: SessionRepository,
    private readonly authorize: Authorize,
    private readonly answers: AuthorizationAnswers,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireAnySession()
  async begin(@Query() query: StepUpQuery, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, request, reply } = visit;
    const returnTo = await this.returnAddress.safe(query.return_to);
    const asking = await this.asking(returnTo, session);
    const has = await this.factors.hasSecondFactor(session.userId);
    const recent = this.stepUp.isRecent(session);
    // a session may outlast the factor that was proven in it
    const proven = acrOf(session.amr) === 'aal2' && (has || asking?.whom !== 'operators');
    if (recent && (proven || !(has || asking))) {
      reply.redirect(returnTo, 303);
      return;
    }
    if (recent && !has && asking) {
      await this.offer(visit, returnTo, asking);
      return;
    }
    if (recent && session.amr.includes('pwd')) {
      // the password was given a short while ago: the second factor is all that is missing
      this.pendingCookie.set(
        reply,
        await this.pendingSignIns.start(session.userId, session.amr, request.ip, session.authTime),
      );
      reply.redirect(queryHref('/sign-in/second-factor', { return_to: returnTo }), 303);
      return;
    }
    const again = { login_hint: session.email, return_to: returnTo, again: 'step-up' };
    reply.redirect(queryHref('/sign-in', again), 303);
  }

  /** The person goes on without a second factor, where that is theirs to choose, or the application hears of it. */
  @Post()
  @RequireAnySession()
  async decline(@Body() form: DeclineForm, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, request, reply } = visit;
    this.csrf.check(request, form.csrf_token);
    const returnTo = await this.returnAddress.safe(form.return_to);
    const asking = await this.asking(returnTo, session);
    if (asking?.demand === 'required') {
      throw new PublicError(
        403,
        'access_denied',
        `${asking.name} asks its ${asking.whom} for a second factor.`,
      );
    }
    if (asking?.demand === 'essential') {
      const answer = await this.authorize.deny(
        resumed(returnTo),
        'The person has no second factor and added none.',
        'unmet_authentication_requirements',
      );
      this.answers.send(reply, answer);
      return;
    }
    await this.sessions.declineSecondFactor(session);
    reply.redirect(returnTo, 303);
  }

  private async offer(visit: Visit, returnTo: string, asking: Asking): Promise<void> {
    const required = asking.whom === 'operators' ? 'leave' : 'choose-organization';
    const instead = { required, essential: 'refuse', wished: 'go-on' } as const;
    const view = (
      <StepUpView
        account={accountOf(visit, this.csrf)}
        returnTo={returnTo}
        askedBy={asking.name}
        instead={asking.demand === 'unreachable' ? 'refuse' : instead[asking.demand]}
      />
    );
    this.pages.send(visit.reply, view, { formLeadsTo: await this.returnAddress.formTargets(returnTo) });
  }

  /** The organization that the person acts for comes before an application: nothing gets around its rule. */
  private async asking(returnTo: string, session: Session): Promise<Asking | undefined> {
    const { organization, amr } = session;
    const authorization = await this.returnAddress.authorizationRequest(returnTo);
    const demand = authorization && acrDemand(authorization, amr);
    const application = authorization &&
      demand && { name: authorization.client.name, whom: 'people' as const, demand };
    if (application && demand !== 'wished') return application;
    if (organization?.secondFactorRequired) {
      return { name: organization.name, whom: 'members', demand: 'required' };
    }
    if (CONSOLE.test(returnTo) && (await this.operatorRule.demandOf(session))) {
      return { name: 'The administration of licenses', whom: 'operators', demand: 'required' };
    }
    return application;
  }
}
