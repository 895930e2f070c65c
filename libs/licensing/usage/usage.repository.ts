import { Injectable } from '@nestjs/common';
import {
  decide,
  type DecisionQuestion,
  type FeatureDefinition,
  type HeldSeat,
  type LicenseSnapshot,
} from '@core-auth/module-kit/licensing';
import { addSeconds, Clock, Database, PublicError, sql, type Transaction } from '#platform';
import { inBatches } from '../batches.js';
import { LicenseRepository } from '../license.repository.js';
import { bear, lockCounters, type Counter } from './counter.repository.js';
import { bearersOf, spread, total, type Bearer, type Share } from './spread.js';
import { requestDigest, requireSoundUsage, type UsageAnswer, type UsageRecord } from './usage.js';

const DAY = 86_400;
/** As long as a retry is recognized, and use of a single day can be shown. */
const EVENT_SECONDS = 400 * DAY;
/** As long as a bill can be looked into. */
const COUNTER_SECONDS = 3 * 366 * DAY;
/** How often a use is judged anew because licenses changed meanwhile. */
const MOST_ATTEMPTS = 10;

/** Undoes the transaction: a use that is refused leaves nothing behind. */
class Refused extends Error {
  constructor(readonly answer: UsageAnswer) {
    super(answer.code);
  }
}

/** Undoes the transaction: what was decided rests on licenses that have changed since. */
class Superseded extends Error {}

interface StoredAnswer {
  request_sha256: Buffer;
  request_id: string | null;
  answer: Omit<UsageAnswer, 'periodStartsAt' | 'periodEndsAt'> & {
    periodStartsAt: string;
    periodEndsAt: string;
  };
}

interface Judged {
  readonly snapshot: LicenseSnapshot;
  readonly definition: FeatureDefinition;
  readonly bearers: readonly Bearer[];
  readonly at: Date;
}

/** Use of metered features, counted. */
@Injectable()
export class UsageRepository {
  constructor(
    private readonly database: Database,
    private readonly licenses: LicenseRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts a use, all of it or nothing; the same key with the same request gets the answer of the first time, and
   * nothing is counted again: it says `replayed`, unless it is the attempt that was counted and whose answer was lost. A refusal is an answer, is not stored, and leaves the key free: a retry asks anew.
   *
   * The record of a use is its row in `usage_events`, from which the counters can be computed again; it changes no
   * decision that rests on a snapshot, so it raises no version and writes no audit or outbox row. Reaching a threshold
   * does change something: it writes one of each, once for a license, feature, period and threshold.
   *
   * @throws PublicError 400 `invalid_usage`, `not_metered`; 404 `unknown_organization`, `unknown_feature`,
   * `unknown_user`; 409 `idempotency_key_reused`; 503 when licenses kept changing meanwhile
   */
  async record(record: UsageRecord): Promise<UsageAnswer> {
    requireSoundUsage(record);
    const at = this.clock.now();
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      try {
        return await this.database.transaction((transaction) => this.attempt(transaction, record, at));
      } catch (error) {
        if (error instanceof Refused) return error.answer;
        if (!(error instanceof Superseded)) throw error;
      }
    }
    throw new PublicError(503, 'temporarily_unavailable', 'The licenses are being changed. Try again soon.');
  }

  private async attempt(transaction: Transaction, record: UsageRecord, at: Date): Promise<UsageAnswer> {
    // the primary key decides between equal keys: the later one waits here until the first has ended
    if (!(await claim(transaction, record, at))) return storedAnswer(transaction, record);
    const judged = await this.judge(transaction, record, at);
    const { key: feature, period: unit = 'month' } = judged.definition;
    const counters = await lockCounters(transaction, judged.bearers, { feature, unit, at });
    return count(transaction, record, judged, counters);
  }

  /** @throws Refused when something else than the quota denies */
  private async judge(transaction: Transaction, record: UsageRecord, at: Date): Promise<Judged> {
    const { organizationId, module: moduleKey, feature } = record;
    const leases = await leasesOf(transaction, record);
    const snapshot = await this.licenses.snapshot(organizationId);
    const module = snapshot?.modules.find(({ key }) => key === moduleKey);
    if (!snapshot || !module) throw unknownOrganization();
    const definition = meteredFeature(module.features, feature);
    const { environment = module.environment, userId } = record;
    const question: DecisionQuestion = {
      userId: userId?.toLowerCase() ?? null,
      module: moduleKey,
      environment,
      feature,
      leases,
    };
    const { allow, code } = decide(snapshot, { ...question, amount: 0 }, at);
    if (!allow) {
      throw new Refused({ allow, code, used: 0, limit: null, periodStartsAt: null, periodEndsAt: null });
    }
    return { snapshot, definition, bearers: bearersOf(snapshot, definition, question, at.getTime()), at };
  }

  /** @param limit rows of one statement */
  async prune(limit: number): Promise<void> {
    const now = this.clock.now();
    for (const removal of [
      sql`
        DELETE FROM usage_events
         WHERE (organization_id, module_key, idempotency_key) IN (
           SELECT organization_id, module_key, idempotency_key FROM usage_events
            WHERE occurred_at < ${addSeconds(now, -EVENT_SECONDS)} ORDER BY occurred_at LIMIT ${limit})
        RETURNING 1`,
      sql`
        DELETE FROM usage_counters
         WHERE (license_id, feature_key, period_starts_at) IN (
           SELECT license_id, feature_key, period_starts_at FROM usage_counters
            WHERE period_ends_at < ${addSeconds(now, -COUNTER_SECONDS)} LIMIT ${limit})
        RETURNING 1`,
      sql`
        DELETE FROM removed_usage
         WHERE (license_id, feature_key, period_starts_at) IN (
           SELECT license_id, feature_key, period_starts_at FROM removed_usage
            WHERE period_ends_at < ${addSeconds(now, -COUNTER_SECONDS)} LIMIT ${limit})
        RETURNING 1`,
    ]) {
      await inBatches(limit, () => this.database.query(removal));
    }
  }
}

/** The feature of a module that is counted. @throws PublicError 400 `not_metered`; 404 `unknown_feature` */
export function meteredFeature(definitions: readonly FeatureDefinition[], key: string): FeatureDefinition {
  const definition = definitions.find((candidate) => candidate.key === key);
  if (!definition) throw new PublicError(404, 'unknown_feature', 'The module has no such feature.');
  if (definition.type === 'metered') return definition;
  throw new PublicError(400, 'not_metered', 'Use of this feature is not counted: it is not metered.');
}

/** @returns false when the key has been used, or the organization or module does not exist */
async function claim(transaction: Transaction, record: UsageRecord, at: Date): Promise<boolean> {
  const {
    organizationId,
    module,
    feature,
    amount,
    idempotencyKey,
    userId,
    clientId,
    requestId = null,
  } = record;
  const claimed = await transaction.query(sql`
    INSERT INTO usage_events (organization_id, module_key, idempotency_key, request_sha256, feature_key, amount,
                              user_id, client_id, request_id, shares, answer, occurred_at)
    SELECT organizations.id, modules.key, ${idempotencyKey}, ${requestDigest(record)}, ${feature}, ${amount},
           (SELECT user_id FROM memberships WHERE user_id = ${userId} AND organization_id = organizations.id),
           ${clientId}, ${requestId}, '[]', '{}', ${at}
      FROM organizations, modules WHERE organizations.id = ${organizationId} AND modules.key = ${module}
    ON CONFLICT DO NOTHING
    RETURNING 1`);
  return claimed.length > 0;
}

async function storedAnswer(transaction: Transaction, record: UsageRecord): Promise<UsageAnswer> {
  const { organizationId, module, idempotencyKey } = record;
  const [stored] = await transaction.query<StoredAnswer>(sql`
    SELECT request_sha256, request_id, answer FROM usage_events
     WHERE organization_id = ${organizationId} AND module_key = ${module}
       AND idempotency_key = ${idempotencyKey}`);
  if (!stored) throw unknownOrganization();
  if (!stored.request_sha256.equals(requestDigest(record))) {
    throw new PublicError(
      409,
      'idempotency_key_reused',
      'This idempotency key was sent with another request. Each use has a key of its own.',
    );
  }
  const { periodStartsAt, periodEndsAt, ...answer } = stored.answer;
  const own = stored.request_id !== null && stored.request_id === record.requestId;
  return {
    ...answer,
    ...{ periodStartsAt: new Date(periodStartsAt), periodEndsAt: new Date(periodEndsAt) },
    ...(own ? {} : { replayed: true }),
  };
}

function unknownOrganization(): PublicError {
  return new PublicError(404, 'unknown_organization', 'There is no such organization.');
}

/**
 * The floating seats of the module that the person holds, or held until lately.
 * @throws PublicError 404 `unknown_user` for who does not belong to the organization, or cannot sign in any more
 */
async function leasesOf(transaction: Transaction, record: UsageRecord): Promise<readonly HeldSeat[]> {
  const { organizationId, module, userId } = record;
  if (userId === null) return [];
  const rows = await transaction.query<{ license_id: string | null; until: Date | null }>(sql`
    SELECT license_id, until
      FROM memberships JOIN users ON users.id = user_id
      LEFT JOIN LATERAL (
        SELECT license_id, max(expires_at) AS until FROM seat_leases JOIN licenses ON licenses.id = license_id
         WHERE seat_leases.user_id = users.id AND licenses.organization_id = ${organizationId}
           AND module_key = ${module}
         GROUP BY license_id) AS held ON true
     WHERE memberships.user_id = ${userId} AND memberships.organization_id = ${organizationId}
       AND disabled_at IS NULL`);
  if (rows.length === 0) {
    throw new PublicError(404, 'unknown_user', 'This person does not belong to the organization.');
  }
  return rows.flatMap(({ license_id: licenseId, until }) =>
    licenseId && until ? [{ licenseId, until }] : [],
  );
}

async function count(
  transaction: Transaction,
  record: UsageRecord,
  judged: Judged,
  counters: ReadonlyMap<string, Counter>,
): Promise<UsageAnswer> {
  const { bearers, definition } = judged;
  const usedBy = new Map([...counters].map(([licenseId, { used }]) => [licenseId, used]));
  const { code, shares } = spread(bearers, definition.combine, usedBy, record.amount);
  const answer = answerOf(code, shares, judged, counters);
  if (code === 'QUOTA_EXCEEDED') throw new Refused(answer);
  if (!Number.isSafeInteger(answer.used)) {
    throw new PublicError(400, 'invalid_usage', 'No counter counts beyond 9007199254740991.');
  }
  const loads = shares.flatMap(({ licenseId, amount, overage }) => {
    const counter = counters.get(licenseId);
    const limit = bearers.find((bearer) => bearer.licenseId === licenseId)?.limit ?? null;
    return counter ? [{ ...counter, amount, overage, limit }] : [];
  });
  const counted = await bear(transaction, { record, answer, loads, version: judged.snapshot.version });
  if (!counted) throw new Superseded();
  return answer;
}

function answerOf(
  code: UsageAnswer['code'],
  shares: readonly Share[],
  { bearers, definition }: Judged,
  counters: ReadonlyMap<string, Counter>,
): UsageAnswer {
  const usedBy = new Map([...counters].map(([licenseId, { used }]) => [licenseId, used]));
  for (const { licenseId, amount } of shares) usedBy.set(licenseId, (usedBy.get(licenseId) ?? 0) + amount);
  const bearing = shares[0] ?? bearers[0];
  const period = bearing && counters.get(bearing.licenseId);
  return {
    allow: code !== 'QUOTA_EXCEEDED',
    code,
    ...total(bearers, definition.combine, usedBy),
    periodStartsAt: period?.startsAt ?? null,
    periodEndsAt: period?.endsAt ?? null,
  };
}
