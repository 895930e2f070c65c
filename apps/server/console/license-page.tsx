import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountRepository, AdministratorRepository, type Administrator } from '#accounts';
import {
  CatalogRepository,
  HistoryRepository,
  LicenseListRepository,
  LicenseOverviewRepository,
  mayAdminister,
  UsageReportRepository,
  type LicenseOverview,
  type LicensingAction,
} from '#licensing';
import { Clock, PublicError } from '#platform';
import { Csrf, type Session } from '#sessions';
import { Pages } from '../pages/pages.js';
import { requireAuthority } from './authority.js';
import { licenseActSentence, peopleOf } from './license-acts.js';
import type { FilesShown, TypedFile } from './license-files.view.js';
import type { LicenseDone } from './license-done.js';
import type { SeatsShown } from './license-seats.view.js';
import { LicenseView, type FeatureUse, type LicenseViewProps } from './license.view.js';

const MOST_SHOWN = 500;
const CHART_DAYS = 30;
const DAY = 86_400_000;

/** A request of somebody who is signed in, about one license. */
export interface Visit {
  readonly id: string;
  readonly session: Session;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
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
    private readonly catalog: CatalogRepository,
    private readonly history: HistoryRepository,
    private readonly usage: UsageReportRepository,
    private readonly clock: Clock,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  async show(visit: Visit, shown: Shown): Promise<void> {
    const { actor, license } = await this.authorized('licenses:read', visit);
    await this.send(visit, actor, license, shown);
  }

  /**
   * Does what a form asks for, and says on the page why it was refused.
   * @param work answers the request
   */
  async act(
    visit: Visit,
    action: LicensingAction,
    form: { readonly csrf_token?: string },
    work: (license: LicenseOverview) => Promise<void>,
    typed?: TypedFile,
  ): Promise<void> {
    this.csrf.check(visit.request, form.csrf_token);
    const { actor, license } = await this.authorized(action, visit);
    try {
      await work(license);
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      const { publicMessage: problem, status } = error;
      await this.send(visit, actor, license, { problem, status, ...(typed && { typed }) });
    }
  }

  /** The license, for who may do this with it; another organization's is as unknown as one that does not exist. */
  private async authorized(action: LicensingAction, { id, session }: Visit) {
    const actor = await this.administrators.find(session.userId);
    const own = session.organization?.id ?? null;
    if (!actor.operator) requireAuthority(action, actor, own);
    return { actor, license: await this.overview.find(id, actor.operator ? null : own) };
  }

  private async send(
    { session, request, reply }: Visit,
    actor: Administrator,
    license: LicenseOverview,
    shown: Shown,
  ): Promise<void> {
    const may = (action: LicensingAction) => mayAdminister(action, actor, license.organizationId);
    const view = (
      <LicenseView
        account={{ ...session, csrfToken: this.csrf.token(request, reply) }}
        license={license}
        seats={may('seats:read') ? await this.seats(license) : undefined}
        files={may('offline:read') ? await this.files(license, may('offline:write'), shown.typed) : undefined}
        usage={may('usage:read') ? await this.uses(license) : []}
        timeline={may('history:read') ? await this.timeline(license.id, shown.before) : undefined}
        done={shown.done}
        problem={shown.problem}
        at={this.clock.now()}
      />
    );
    this.pages.send(reply, view, { status: shown.status ?? 200 });
  }

  /** Of each the first 500. */
  private async seats({ id, seatModel }: LicenseOverview): Promise<SeatsShown> {
    const [holders, candidates, kept, leases] = await Promise.all([
      this.overview.seatHolders(id, null, MOST_SHOWN),
      seatModel === 'named' ? this.overview.seatCandidates(id) : [],
      this.lists.reservations(id, null, MOST_SHOWN),
      this.lists.leases(id, null, MOST_SHOWN),
    ]);
    return {
      holders: holders.items.toSorted((one, other) => one.name.localeCompare(other.name, 'en')),
      candidates,
      kept: kept.items,
      leases: leases.items.toSorted((one, other) => one.name.localeCompare(other.name, 'en')),
    };
  }

  private async files({ id }: LicenseOverview, mayIssue: boolean, typed?: TypedFile): Promise<FilesShown> {
    const { items } = await this.lists.offlineGrants(id, null, MOST_SHOWN);
    const files = items.toSorted((one, other) => other.issuedAt.getTime() - one.issuedAt.getTime());
    return { files, mayIssue, typed };
  }

  private async uses(license: LicenseOverview): Promise<FeatureUse[]> {
    const { organizationId, moduleKey, timeZone, id } = license;
    const last = dayOf(this.clock.now(), timeZone);
    const first = new Date(Date.parse(last) - (CHART_DAYS - 1) * DAY).toISOString().slice(0, 10);
    const features = await this.catalog.meteredFeatures(moduleKey);
    return Promise.all(
      features.map(async (feature) => {
        const { licenses } = await this.usage.present(organizationId, moduleKey, feature);
        return {
          feature,
          present: licenses.find(({ licenseId }) => licenseId === id),
          days: await this.usage.series(organizationId, moduleKey, feature, { first, last, timeZone }),
        };
      }),
    );
  }

  private async timeline(licenseId: string, before?: string): Promise<LicenseViewProps['timeline']> {
    const page = await this.history.timeline(licenseId, {
      ...(before !== undefined && { before }),
      limit: 20,
    });
    const names = await this.accounts.namesOf(
      page.entries.flatMap(({ actor, detail }) => [actor, ...peopleOf(detail)]),
    );
    return {
      entries: page.entries.map(({ act, actor, detail, occurredAt }) => ({
        sentence: licenseActSentence(act, detail, (id) => names.get(id)),
        actor: names.get(actor) ?? actor,
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
