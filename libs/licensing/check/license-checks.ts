import { Injectable } from '@nestjs/common';
import { decide, type Decision, type LicenseSnapshot } from '@core-auth/module-kit/licensing';
import { EventStream } from '#events';
import { Clock, isUnavailable, Semaphore } from '#platform';
import { LicenseSnapshots } from '../license-snapshots.js';
import type { CheckQuestion } from './check-request.js';
import { CheckRepository, type OrganizationState } from './check.repository.js';

/** Snapshots that are read at the same time, of all requests together: a flood leaves connections to others. */
const LOADS = 4;

interface Known extends OrganizationState {
  readonly snapshot: LicenseSnapshot | undefined;
}

/** Decides for modules that ask over HTTP, by the same `decide` that guards use in their own process. */
@Injectable()
export class LicenseChecks {
  private readonly loads = new Semaphore(LOADS);

  constructor(
    private readonly checks: CheckRepository,
    private readonly snapshots: LicenseSnapshots,
    private readonly stream: EventStream,
    private readonly clock: Clock,
  ) {}

  /**
   * Answers in the order of the questions, all as of one instant. One statement reads how new the licenses of all
   * organizations are; a snapshot is read only where the one in memory is older. A question about an organization
   * that cannot be read is answered CHECK_UNAVAILABLE.
   */
  async answer(moduleKey: string, questions: readonly CheckQuestion[]): Promise<Decision[]> {
    const organizationIds = unique(questions.map(({ organizationId }) => organizationId));
    const userIds = unique(questions.map(({ userId }) => userId));
    let known: ReadonlyMap<string, Known | 'unavailable'> | undefined;
    try {
      known = await this.read(organizationIds, userIds, moduleKey);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
    const now = this.clock.now();
    return questions.map((question) => {
      const { organizationId } = question;
      if (organizationId === null) return decide(undefined, question, now);
      const about = known ? known.get(organizationId) : 'unavailable';
      if (about === 'unavailable') return unavailable(now);
      const { userId } = question;
      if (userId === null || !about) return decide(about?.snapshot, question, now);
      const person = about.people.find((candidate) => candidate.userId === userId);
      // who has left an organization has nothing in it, whatever its seats and their token still say
      return person
        ? decide(about.snapshot, { ...question, leases: person.leases }, now)
        : decide(undefined, question, now);
    });
  }

  private async read(
    organizationIds: readonly string[],
    userIds: readonly string[],
    moduleKey: string,
  ): Promise<Map<string, Known | 'unavailable'>> {
    if (organizationIds.length === 0) return new Map();
    const states = await this.checks.states(organizationIds, userIds, moduleKey);
    // the version does not rise with the catalog; while the stream is silent nobody tells that it has changed
    if (!this.stream.isCurrent()) for (const id of states.keys()) this.snapshots.invalidate(id);
    const entries = [...states].map(async ([id, state]): Promise<[string, Known | 'unavailable']> => {
      try {
        const snapshot = await this.loads.run(() => this.snapshots.atLeast(id, state.version));
        return [id, { ...state, snapshot }];
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return [id, 'unavailable'];
      }
    });
    return new Map(await Promise.all(entries));
  }
}

function unavailable(decidedAt: Date): Decision {
  const nothing = { licenseId: null, version: null, nextTransitionAt: null };
  return { allow: false, code: 'CHECK_UNAVAILABLE', ...nothing, decidedAt };
}

function unique(ids: readonly (string | null)[]): string[] {
  return [...new Set(ids)].filter((id) => id !== null);
}
