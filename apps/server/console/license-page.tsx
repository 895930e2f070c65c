import { createParamDecorator, Injectable, type ExecutionContext } from '@nestjs/common';
import { isUUID } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountRepository, AdministratorRepository, type Administrator } from '#accounts';
import {
  HistoryRepository,
  LicenseBoughtRepository,
  LicenseListRepository,
  LicenseOverviewRepository,
  mayAdminister,
  UsageReportRepository,
  type LicenseOverview,
  type LicensingAction,
} from '#licensing';
import { Clock, PublicError } from '#platform';
import { Csrf } from '#sessions';
import { Pages } from '../pages/pages.js';
import { accountOf, type Visit } from '../pages/visit.js';
import { RefusedActs } from '../refused-acts.js';
import { requireAuthority } from './authority.js';
import { licenseActSentence, peopleOf, plansOf } from './license-acts.js';
import { seatsAhead, type BoughtShown } from './license-bought.view.js';
import type { FilesShown, TypedFile } from './license-files.view.js';
import type { LicenseDone } from './license-done.js';
import type { SeatsShown } from './license-seats.view.js';
import { LicenseView, type FeatureUse, type LicenseViewProps } from './license.view.js';

const MOST_SHOWN = 500;
const CHART_DAYS = 30;
const DAY = 86_400_000;

/** A request of somebody who is signed in, about one license. */
export interface LicenseVisit extends Visit {
  readonly id: string;
}

/** The visit of a route whose path names the license as `:id`. @throws PublicError 404 `unknown_license` */
export const CurrentLicenseVisit = createParamDecorator(
  (_: unknown, context: ExecutionContext): LicenseVisit => {
    const http = context.switchToHttp();
    const request = http.getRequest<
      FastifyRequest<{ Params: { id: string } }> & { session: LicenseVisit['session'] }
    >();
    const { id } = request.params;
    if (!isUUID(id)) throw new PublicError(404, 'unknown_license', 'There is no such license.');
    return { id, session: request.session, request, reply: http.getResponse<FastifyReply>() };
  },
);

/** What is answered instead of a page. */
export interface DownloadedFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

interface Shown {
  readonly before?: string | undefined;
  readonly done?: LicenseDone | undefined;
  readonly problem?: string;
  readonly status?: number;
  /** Of the form for a file that was refused. */
  readonly typed?: TypedFile;
}

/** The page of a license, and what is done there. */
@Injectable()
export class LicensePage {
  constructor(
    private readonly administrators: AdministratorRepository,
    private readonly accounts: AccountRepository,
    private readonly overview: LicenseOverviewRepository,
    private readonly lists: LicenseListRepository,
    private readonly boughts: LicenseBoughtRepository,
    private readonly history: HistoryRepository,
    private readonly usage: UsageReportRepository,
    private readonly clock: Clock,
    private readonly refusedActs: RefusedActs,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  async show(visit: LicenseVisit, shown: Shown): Promise<void> {
    const { actor, license } = await this.authorized('licenses:read', visit);
    await this.send(visit, actor, license, shown);
  }

  /**
   * Does what a form asks for; the page then says what was done, or why it was refused.
   * @param work returns what was done, or a file that answers the form
   */
  async act(
    visit: LicenseVisit,
    action: LicensingAction,
    form: { readonly csrf_token?: string },
    work: () => Promise<LicenseDone | DownloadedFile>,
    typed?: TypedFile,
  ): Promise<void> {
    this.csrf.check(visit.request, form.csrf_token);
    const { actor, license } = await this.authorized(action, visit);
    const { id, reply } = visit;
    try {
      const done = await work();
      if (typeof done === 'string') reply.redirect(`/console/licenses/${id}?done=${done}`, 303);
      else void reply.status(200).headers(done.headers).send(done.text);
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      await this.refusedActs.note(visit.request, error);
      const { publicMessage: problem, status } = error;
      await this.send(visit, actor, license, { problem, status, ...(typed && { typed }) });
    }
  }

  /** The license, for who may do this with it; another organization's is as unknown as one that does not exist. */
  private async authorized(action: LicensingAction, { id, session }: LicenseVisit) {
    const actor = await this.administrators.find(session.userId);
    const own = session.organization?.id ?? null;
    if (!actor.operator) requireAuthority(action, actor, own);
    return { actor, license: await this.overview.find(id, actor.operator ? null : own) };
  }

  private async send(
    visit: LicenseVisit,
    actor: Administrator,
    license: LicenseOverview,
    shown: Shown,
  ): Promise<void> {
    const may = (action: LicensingAction) => mayAdminister(action, actor, license.organizationId);
    const bought = await this.bought(license.id);
    const view = (
      <LicenseView
        account={accountOf(visit, this.csrf)}
        license={license}
        bought={bought}
        seats={may('seats:read') ? await this.seats(license, bought) : undefined}
        files={may('offline:read') ? await this.files(license, may('offline:write'), shown.typed) : undefined}
        usage={may('usage:read') ? await this.uses(license, bought) : []}
        timeline={may('history:read') ? await this.timeline(license.id, shown.before) : undefined}
        done={shown.done}
        problem={shown.problem}
        at={this.clock.now()}
      />
    );
    this.pages.send(visit.reply, view, { status: shown.status ?? 200 });
  }

  /** Of each the first 500. */
  private async seats(license: LicenseOverview, bought: BoughtShown): Promise<SeatsShown> {
    const { id, seatModel } = license;
    const ahead = seatsAhead(license, bought);
    const [holders, candidates, kept, leases] = await Promise.all([
      this.overview.seatHolders(id, null, MOST_SHOWN),
      seatModel === 'named' || ahead ? this.overview.seatCandidates(id) : [],
      this.lists.reservations(id, null, MOST_SHOWN),
      this.lists.leases(id, null, MOST_SHOWN),
    ]);
    return {
      holders: holders.items.toSorted((one, other) => one.name.localeCompare(other.name, 'en')),
      candidates,
      ahead,
      kept: kept.items,
      leases: leases.items.toSorted((one, other) => one.name.localeCompare(other.name, 'en')),
    };
  }

  private async files({ id }: LicenseOverview, mayIssue: boolean, typed?: TypedFile): Promise<FilesShown> {
    const { items } = await this.lists.offlineGrants(id, null, MOST_SHOWN);
    const files = items.toSorted((one, other) => other.issuedAt.getTime() - one.issuedAt.getTime());
    return { files, mayIssue, typed };
  }

  private async bought(licenseId: string): Promise<BoughtShown> {
    const bought = await this.boughts.find(licenseId);
    const planNames = await this.boughts.planNames(bought.coming.map(({ planVersionId }) => planVersionId));
    return { ...bought, planNames };
  }

  /** Of what the license counts now, or has counted on the days that are shown. */
  private async uses(license: LicenseOverview, { features }: BoughtShown): Promise<FeatureUse[]> {
    const { organizationId, moduleKey, timeZone, id } = license;
    const last = dayOf(this.clock.now(), timeZone);
    const first = new Date(Date.parse(last) - (CHART_DAYS - 1) * DAY).toISOString().slice(0, 10);
    const days = { first, last, timeZone };
    const metered = features.filter(({ type }) => type === 'metered');
    const uses = await Promise.all(
      metered.map(async ({ key: feature, included, overrides }) => {
        const { licenses } = await this.usage.present(organizationId, moduleKey, feature);
        return {
          feature,
          given: included || overrides.some(({ removed }) => !removed),
          present: licenses.find(({ licenseId }) => licenseId === id),
          days: await this.usage.series(organizationId, moduleKey, feature, days, id),
        };
      }),
    );
    return uses.filter((use) => use.given || use.days.some(({ used }) => used > 0));
  }

  private async timeline(licenseId: string, before?: string): Promise<LicenseViewProps['timeline']> {
    const page = await this.history.timeline(licenseId, {
      ...(before !== undefined && { before }),
      limit: 20,
    });
    const [people, plans] = await Promise.all([
      this.accounts.namesOf(page.entries.flatMap(({ actor, detail }) => [actor, ...peopleOf(detail)])),
      this.boughts.planNames(page.entries.flatMap(({ detail }) => plansOf(detail))),
    ]);
    return {
      entries: page.entries.map(({ act, actor, reason, detail, occurredAt }) => ({
        sentence: licenseActSentence(act, detail, (id) => people.get(id) ?? plans.get(id)),
        actor: people.get(actor) ?? actor,
        reason,
        at: occurredAt,
      })),
      next: page.next,
    };
  }
}

/** The day that it is in a time zone, as `2026-03-29`. */
function dayOf(instant: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', {
    ...{ timeZone, year: 'numeric', month: '2-digit', day: '2-digit' },
  }).formatToParts(instant);
  return ['year', 'month', 'day'].map((part) => parts.find(({ type }) => type === part)?.value).join('-');
}
