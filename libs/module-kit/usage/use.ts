import type { DecisionCode } from '../licensing/index.js';

/** What was counted of a metered feature, or why nothing was. */
export interface Use {
  readonly allow: boolean;
  readonly code: DecisionCode;
  readonly feature: string;
  /** Used up in this period, this use included when it was counted; null when nobody could tell. */
  readonly used: number | null;
  /** Null is unlimited, and also when no license was looked at. */
  readonly limit: number | null;
  /** What is left until the period ends; null is unlimited, or not known. */
  readonly remaining: number | null;
  /** Exclusive; null when there is no period. */
  readonly periodEndsAt: Date | null;
  /** The key was counted before, for another request: what is used was given then, and nothing was counted now. */
  readonly replayed: boolean;
}

/** Undefined for anything that Core Auth does not answer so. */
export function readUse(body: unknown, feature: string, codes: ReadonlySet<string>): Use | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { allow, code, used, limit, period_ends_at, replayed = false } = body as Record<string, unknown>;
  if (typeof allow !== 'boolean' || typeof code !== 'string' || !codes.has(code)) return undefined;
  if (typeof replayed !== 'boolean' || !isCount(used) || !(limit === null || isCount(limit)))
    return undefined;
  const ends = typeof period_ends_at === 'string' ? new Date(period_ends_at) : null;
  if (ends && Number.isNaN(ends.getTime())) return undefined;
  const remaining = limit === null ? null : Math.max(0, limit - used);
  const told = { allow, code: code as DecisionCode, feature, used, limit, remaining };
  return { ...told, periodEndsAt: ends, replayed };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * What is left, as the draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers-10) writes it: the
 * feature names the policy, `q` is what was bought for the period, `r` what is left, `t` the seconds until the period
 * ends. A refusal for want of quota says when it is worth to come again (RFC 9110 section 10.2.3). Empty when there is no limit.
 */
export function quotaHeaders(use: Use, now: number): Readonly<Record<string, string>> {
  if (use.limit === null || use.remaining === null) return {};
  const seconds =
    use.periodEndsAt === null ? undefined : Math.max(0, Math.ceil((use.periodEndsAt.getTime() - now) / 1000));
  const name = `"${use.feature.replace(/[^\x20-\x7e]|["\\]/g, '')}"`;
  return {
    'ratelimit-policy': `${name};q=${use.limit}`,
    ratelimit: `${name};r=${use.remaining}${seconds === undefined ? '' : `;t=${seconds}`}`,
    ...(use.code === 'QUOTA_EXCEEDED' && seconds !== undefined ? { 'retry-after': String(seconds) } : {}),
  };
}
