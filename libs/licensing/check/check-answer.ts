import { httpStatusOfDecision, type Decision, type DecisionCode } from '@core-auth/module-kit/licensing';
import { sentenceOfDecision } from './decision-sentences.js';

export interface CheckAnswer {
  readonly allow: boolean;
  readonly code: DecisionCode;
  readonly license_id: string | null;
  /** Of the organization's licenses; null when nothing was read. */
  readonly version: number | null;
  /** ISO 8601, UTC, milliseconds. */
  readonly decided_at: string;
  /** Until when, exclusive, the answer holds if nobody changes a license; null when time alone never changes it. */
  readonly next_transition_at: string | null;
  /** Of a limit or a metered feature; null is unlimited. */
  readonly limit?: number | null;
}

/** Problem details (RFC 9457) with the answer as further members (§3.2). */
export interface CheckProblem extends CheckAnswer {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

export function checkAnswer(decision: Decision): CheckAnswer {
  const { allow, code, licenseId, version, decidedAt, nextTransitionAt, limit } = decision;
  return {
    allow,
    code,
    license_id: licenseId,
    version,
    decided_at: decidedAt.toISOString(),
    next_transition_at: nextTransitionAt?.toISOString() ?? null,
    ...(limit === undefined ? {} : { limit }),
  };
}

export function checkProblem(answer: CheckAnswer): CheckProblem {
  const status = httpStatusOfDecision[answer.code];
  // RFC 9457 §4.2.1: about:blank says no more than the status, whose phrase is its title
  return {
    type: 'about:blank',
    title: TITLES[status],
    status,
    detail: sentenceOfDecision[answer.code],
    ...answer,
  };
}

const TITLES = { 200: 'OK', 403: 'Forbidden', 429: 'Too Many Requests', 503: 'Service Unavailable' } as const;
