import { Injectable } from '@nestjs/common';
import {
  actorOf,
  Csrf,
  FactorRepository,
  Factors,
  OwnSessionsRepository,
  SessionCookie,
  SessionRepository,
  severalFactors,
} from '#sessions';
import { SignInRequired } from '../route-policy.guard.js';
import { Pages } from '../pages/pages.js';
import { accountOf, type Visit } from '../pages/visit.js';
import { FactorAddedView } from './factor-added.view.js';
import { SecurityView, type SecurityDone, type SecurityProblem } from './security.view.js';

/** What the pages about factors have in common. */
@Injectable()
export class FactorPages {
  constructor(
    private readonly factors: FactorRepository,
    private readonly acts: Factors,
    private readonly sessions: SessionRepository,
    private readonly ownSessions: OwnSessionsRepository,
    private readonly cookie: SessionCookie,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  /** The list of factors. */
  async list(
    visit: Visit,
    {
      status = 200,
      ...shown
    }: { status?: number; returnTo?: string; problem?: SecurityProblem; done?: SecurityDone | undefined },
  ): Promise<void> {
    const factors = await this.factors.of(visit.session.userId);
    const isRemoved = shown.done === 'totp-removed' || shown.done === 'passkey-removed';
    const elsewhere = isRemoved && (await this.isElsewhere(visit));
    const account = accountOf(visit, this.csrf);
    const view = <SecurityView account={account} factors={factors} elsewhere={elsewhere} {...shown} />;
    this.pages.send(visit.reply, view, { status, scripted: true });
  }

  /** Shows new recovery codes, which are nowhere else. */
  async codes(visit: Visit, title: string, codes: readonly string[], returnTo: string): Promise<void> {
    const view = (
      <FactorAddedView
        account={accountOf(visit, this.csrf)}
        title={title}
        codes={codes}
        returnTo={returnTo}
        elsewhere={await this.isElsewhere(visit)}
      />
    );
    this.pages.send(visit.reply, view);
  }

  private isElsewhere({ session }: Visit): Promise<boolean> {
    return this.ownSessions.areOthers(session.userId, session.id);
  }

  /**
   * Somebody has just proven a factor by adding it: the session goes on under a new secret with it, and the first
   * recovery codes are shown.
   */
  async added(visit: Visit, title: string, methods: readonly string[], returnTo: string): Promise<void> {
    const { session, request, reply } = visit;
    const by = actorOf(session, request.ip);
    const amr = severalFactors(session.amr, methods);
    const secret = await this.sessions.prove(session, this.cookie.read(request) ?? '', amr, by);
    if (secret === undefined) throw new SignInRequired(returnTo);
    this.cookie.set(reply, secret);
    const codes = await this.acts.firstRecoveryCodes(session, by);
    await this.codes(visit, title, codes, returnTo);
  }
}
