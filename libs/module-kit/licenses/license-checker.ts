import { KitClock } from '../clock.js';
import type { Principal } from '../guards/principal.js';
import { ProblemException } from '../http/problem.exception.js';
import {
  decide,
  httpStatusOfDecision,
  leasableLicenses,
  nextSeats,
  type Decision,
  type DecisionQuestion,
  type DenyCode,
  type LicenseSnapshot,
} from '../licensing/index.js';
import type { ResolvedOptions } from '../options.js';
import type { SeatLeases } from '../leases/seat-leases.js';
import type { DecisionCounts, DecisionSource } from './decision-counts.js';
import { describeRefusal } from './refusal-text.js';
import { SnapshotCache } from './snapshot-cache.js';

/** What to decide about; without a feature, the module itself. */
export interface LicenseQuestion {
  /** Key of the module asked about; this module when absent. */
  module?: string;
  feature?: string;
  /** How many more are wanted of a limit feature (1 when absent). */
  amount?: number;
  /** How many of a limit feature are in use (0 when absent). */
  current?: number;
}

/** Decides what an organization may use, in the process. */
export class LicenseChecker {
  constructor(
    private readonly options: ResolvedOptions,
    private readonly snapshots: SnapshotCache,
    private readonly leases: SeatLeases,
    private readonly clock: KitClock,
    readonly counts: DecisionCounts,
  ) {}

  /**
   * A decision, never an exception: `decision.limit` says how far a limit feature goes (null: unlimited).
   * The organization and the person are the token's.
   */
  async decide(principal: Principal, question: LicenseQuestion = {}): Promise<Decision> {
    const organization = principal.organization;
    if (!organization) {
      return this.counted(decide(undefined, this.complete(principal, question), this.now()), 'token');
    }
    const answer = await this.snapshots.get(organization.id);
    if (answer.state === 'unavailable') return this.counted(unavailable(this.now()), 'none');
    if (!(await this.leases.confirm(principal, answer.state === 'current'))) {
      return this.counted(unavailable(this.now()), 'none');
    }
    this.leases.touch(principal);
    const { snapshot } = answer;
    const full = this.complete(principal, question);
    const decision = decide(snapshot, full, this.now());
    if (answer.state === 'current') {
      const seated =
        snapshot && !decision.allow ? await this.withSeats(principal, snapshot, question) : decision;
      return this.counted(seated, this.snapshots.heard ? 'stream' : 'poll');
    }

    // While Core Auth is away, an allow needs a verified allow behind it: a denial never becomes one.
    const verified = decide(snapshot, full, new Date(answer.verifiedAt));
    if (
      decision.code === 'SEAT_REQUIRED' &&
      snapshot &&
      leasableLicenses(snapshot, full, this.now()).length > 0
    )
      return this.counted(unavailable(this.now()), 'none');
    if (!verified.allow) return this.counted(verified, 'stale');
    return this.counted(decision.allow ? { ...decision, code: 'OK_STALE' } : decision, 'stale');
  }

  /** Floating seats are taken on coming: only where nothing else is missing, and once for all who ask meanwhile. */
  private async withSeats(
    principal: Principal,
    snapshot: LicenseSnapshot,
    question: LicenseQuestion,
  ): Promise<Decision> {
    for (let seats = 0; ; seats += 1) {
      const full = this.complete(principal, question);
      const decision = decide(snapshot, full, this.now());
      const next = nextSeats(snapshot, full, this.now());
      // each license has one seat for them; more is asked for only when what was taken is gone again
      if (next.length === 0 || seats > snapshot.licenses.length) return decision;
      const outcome = await this.leases.take(principal, next, leasableLicenses(snapshot, full, this.now()));
      if (outcome.state === 'refused')
        return { ...decision, code: outcome.code, licenseId: outcome.licenseId };
      if (outcome.state === 'none') return decision;
      // a seat that ran out is a denial by itself; of one that was never asked for nobody can tell
      if (outcome.state === 'unavailable')
        return decision.code === 'LEASE_EXPIRED' ? decision : unavailable(this.now());
      if (!(await this.leases.confirm(principal, true))) return unavailable(this.now());
    }
  }

  private counted(decision: Decision, source: DecisionSource): Decision {
    this.counts.add(decision.code, source);
    return decision;
  }

  private now(): Date {
    return new Date(this.clock.now());
  }

  /** Decides and throws the refusal: 403 with the decision's code, or 503 `CHECK_UNAVAILABLE`. */
  async require(principal: Principal, question: LicenseQuestion = {}): Promise<Decision> {
    const decision = await this.decide(principal, question);
    if (!decision.allow) throw this.refusal(decision, principal, question);
    return decision;
  }

  /** The refusal as an answer: says what is missing and who can change it. */
  refusal(
    decision: Pick<Decision, 'code' | 'limit'>,
    principal: Principal,
    question: LicenseQuestion = {},
  ): ProblemException {
    const text = describeRefusal(denyCode(decision), {
      module:
        question.module && question.module !== this.options.moduleKey
          ? question.module
          : this.options.moduleName,
      feature: question.feature,
      limit: decision.limit ?? undefined,
      organization: calledOf(principal),
      administers: principal.user?.roles.some((role) => role === 'owner' || role === 'administrator'),
    });
    const members = {
      module: question.module ?? this.options.moduleKey,
      ...(question.feature === undefined ? {} : { feature: question.feature }),
      ...(decision.limit === undefined ? {} : { limit: decision.limit }),
    };
    const headers: Record<string, string> =
      decision.code === 'CHECK_UNAVAILABLE' ? { 'retry-after': '5' } : {};
    const status = httpStatusOfDecision[decision.code];
    return new ProblemException(status, decision.code, text.title, text.detail, { headers, members });
  }

  private complete(principal: Principal, question: LicenseQuestion): DecisionQuestion {
    return {
      userId: principal.user?.id ?? null,
      module: question.module ?? this.options.moduleKey,
      environment: this.options.environment,
      ...(question.feature === undefined ? {} : { feature: question.feature }),
      ...(question.amount === undefined ? {} : { amount: question.amount }),
      ...(question.current === undefined ? {} : { current: question.current }),
      ...this.leases.heldBy(principal),
    };
  }
}

/** Undefined where the token has nothing but an id. */
function calledOf({ organization }: Principal): string | undefined {
  if (!organization) return undefined;
  const { id, key, name } = organization;
  return name ?? (key === id ? undefined : key);
}

/** A refusal is asked for of a denial; an allow has nothing to say. */
function denyCode({ code }: Pick<Decision, 'code'>): DenyCode {
  if (code === 'OK' || code === 'OK_GRACE' || code === 'OK_OVERAGE' || code === 'OK_STALE')
    throw new Error('An allow is no refusal');
  return code;
}

function unavailable(decidedAt: Date): Decision {
  return {
    allow: false,
    code: 'CHECK_UNAVAILABLE',
    licenseId: null,
    version: null,
    decidedAt,
    nextTransitionAt: null,
  };
}
