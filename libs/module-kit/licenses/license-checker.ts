import { Inject, Injectable } from '@nestjs/common';
import { KitClock } from '../clock.js';
import type { Principal } from '../guards/principal.js';
import { ProblemException } from '../http/problem.exception.js';
import {
  decide,
  httpStatusOfDecision,
  type Decision,
  type DecisionQuestion,
  type DenyCode,
} from '../licensing/index.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
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
@Injectable()
export class LicenseChecker {
  constructor(
    @Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(SnapshotCache) private readonly snapshots: SnapshotCache,
    @Inject(KitClock) private readonly clock: KitClock,
  ) {}

  /**
   * A decision, never an exception: `decision.limit` says how far a limit feature goes (null: unlimited).
   * The organization and the person are the token's.
   */
  async decide(principal: Principal, question: LicenseQuestion = {}): Promise<Decision> {
    const full = this.complete(principal, question);
    const now = (): Date => new Date(this.clock.now());
    const organization = principal.organization;
    if (!organization) return decide(undefined, full, now());

    const answer = await this.snapshots.get(organization.id);
    if (answer.state === 'unavailable') return unavailable(now());
    const decision = decide(answer.snapshot, full, now());
    if (answer.state === 'current') return decision;

    // While Core Auth is away, an allow needs a verified allow behind it: a denial never becomes one.
    const verified = decide(answer.snapshot, full, new Date(answer.verifiedAt));
    if (!verified.allow) return verified;
    return decision.allow ? { ...decision, code: 'OK_STALE' } : decision;
  }

  /** Decides and throws the refusal: 403 with the decision's code, or 503 `CHECK_UNAVAILABLE`. */
  async require(principal: Principal, question: LicenseQuestion = {}): Promise<Decision> {
    const decision = await this.decide(principal, question);
    if (!decision.allow) throw this.refusal(decision, principal, question);
    return decision;
  }

  /** The refusal as an answer: says what is missing and who can change it. */
  refusal(decision: Decision, principal: Principal, question: LicenseQuestion = {}): ProblemException {
    const text = describeRefusal(denyCode(decision), {
      module:
        question.module && question.module !== this.options.moduleKey
          ? question.module
          : this.options.moduleName,
      feature: question.feature,
      limit: decision.limit ?? undefined,
      organization: principal.organization?.name ?? principal.organization?.key,
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
    };
  }
}

/** A refusal is asked for of a denial; an allow has nothing to say. */
function denyCode({ code }: Decision): DenyCode {
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
