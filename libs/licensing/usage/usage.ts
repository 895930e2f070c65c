import type { DecisionCode } from '@core-auth/module-kit/licensing';
import { isUUID } from 'class-validator';
import { PublicError, sha256 } from '#platform';
import { isCatalogKey } from '../catalog.js';

/** Something that was used, as a module tells it. */
export interface UsageRecord {
  readonly organizationId: string;
  readonly module: string;
  /** The module's own unless told. */
  readonly environment?: string;
  readonly feature: string;
  /** A whole number from 1 to 2^53-1. */
  readonly amount: number;
  /** 1 to 128 visible ASCII characters without a comma; of the organization and module, for 400 days. */
  readonly idempotencyKey: string;
  /** Who used it, a member of the organization; null for a machine, which takes no seat. */
  readonly userId: string | null;
  /** The client that tells. */
  readonly clientId: string;
  /** Names the attempt, 1 to 128 visible ASCII characters: who tells it again because an answer was lost repeats it. */
  readonly requestId?: string;
}

export interface UsageAnswer {
  readonly allow: boolean;
  readonly code: DecisionCode;
  /** Used up in the period by the licenses that bear it, this record included when it was counted. */
  readonly used: number;
  /** Their combined limit; null is unlimited, and when no license was looked at. */
  readonly limit: number | null;
  /** The half-open period of the license that bears it, in that license's time zone; null when there is none. */
  readonly periodStartsAt: Date | null;
  readonly periodEndsAt: Date | null;
  /** The key had been counted for another attempt already: what is used was given then. */
  readonly replayed?: true;
}

/** @throws PublicError 400 `invalid_usage` */
export function requireSoundUsage(record: UsageRecord): void {
  const problem = usageProblem(record);
  if (problem) throw new PublicError(400, 'invalid_usage', problem);
}

function usageProblem(record: UsageRecord): string | undefined {
  const { organizationId, feature, amount, idempotencyKey, userId, requestId } = record;
  if (!isUUID(organizationId)) return 'organization_id is the UUID of an organization.';
  if (typeof feature !== 'string' || !isCatalogKey(feature))
    return 'feature is the key of a metered feature.';
  if (!Number.isSafeInteger(amount) || amount < 1) {
    return 'amount is a whole number from 1 to 9007199254740991.';
  }
  if (userId !== null && !isUUID(userId)) return 'user_id is the UUID of a person, or left out.';
  // a header that was sent twice arrives as one with a comma (RFC 9110 §5.3)
  if (typeof idempotencyKey !== 'string' || !/^[\x21-\x2b\x2d-\x7e]{1,128}$/.test(idempotencyKey)) {
    return 'Idempotency-Key is sent once and has 1 to 128 visible ASCII characters, none of them a comma.';
  }
  if (requestId !== undefined && !/^[\x21-\x7e]{1,128}$/.test(requestId)) {
    return 'request_id has 1 to 128 visible ASCII characters, or is left out.';
  }
  return undefined;
}

/** Of what is asked, whoever asks: the same key with another digest is a mistake. */
export function requestDigest({ environment, feature, amount, userId }: UsageRecord): Buffer {
  return sha256(JSON.stringify([environment ?? null, feature, amount, userId?.toLowerCase() ?? null]));
}

/**
 * The body of `POST /v1/usage`, whose values the record's own rules then check.
 * @throws PublicError 400 `invalid_usage` when it is no JSON object, or a member is of another type
 */
export function parseUsageBody(
  body: unknown,
): Pick<UsageRecord, 'organizationId' | 'feature' | 'amount' | 'userId' | 'requestId'> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new PublicError(400, 'invalid_usage', 'The use is told as a JSON object.');
  }
  const { organization_id, feature, amount, user_id = null, request_id } = body as Record<string, unknown>;
  return {
    organizationId: typeof organization_id === 'string' ? organization_id : '',
    feature: typeof feature === 'string' ? feature : '',
    amount: typeof amount === 'number' ? amount : NaN,
    userId: typeof user_id === 'string' || user_id === null ? user_id : '',
    ...(request_id === undefined ? {} : { requestId: typeof request_id === 'string' ? request_id : '' }),
  };
}
