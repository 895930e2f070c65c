import { Injectable } from '@nestjs/common';
import type { SeatModel } from '@core-auth/module-kit/licensing';
import { Database, PublicError, sql, type Transaction } from '#platform';
import type { By } from './by.js';
import type { Circumstances, LicenseChange, TermsDetails } from './license.js';
import {
  changedTerms,
  MOST_TERMS,
  replaceTerms,
  shrinks,
  termsChangeProblem,
  type Renewal,
  type TermsChange,
} from './license-terms.js';
import {
  claimLicense,
  recordChange,
  setTerm,
  unknownLicense,
  type ClaimedLicense,
} from './license-writing.repository.js';
import { seatLeaseHolders } from './seats/lease-writing.repository.js';
import { dropExpired, seatStanding } from './seats/seat-standing.repository.js';
import { seatsInUse } from './seats/seat.js';

interface TermsRow {
  effective_at: Date;
  plan_version_id: string;
  seat_model: SeatModel;
  seat_limit: number | null;
  surplus_until: Date | null;
}

/** How long a license runs and what it gives, from when on. */
@Injectable()
export class LicenseTermsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Sets a new end; an expired license comes back to life.
   * @param by who does it: a user id, a client id, or a word for the process
   * @throws PublicError 400 `invalid_license` (also when the end has passed); 404 `unknown_license`;
   * 409 `would_shorten`, `license_ended`; 412 `license_changed_meanwhile`
   */
  async renew(renewal: Renewal, by: By, circumstances: Circumstances = {}): Promise<LicenseChange> {
    const { licenseId } = renewal;
    return this.database.transaction(async (transaction) => {
      const claimed = await claimLicense(transaction, licenseId, circumstances);
      const detail = await setTerm(transaction, claimed, renewal, claimed.trial);
      return recordChange(transaction, licenseId, {
        act: 'license.renew',
        by,
        detail,
        reason: circumstances.reason,
      });
    });
  }

  /**
   * Changes the plan version or the seats, now or at a later instant; another change of that very instant is replaced.
   * A limit below the seats in use is refused now, unless a surplus is granted; whoever assigns a seat holds the
   * license's row as this does, so that neither overtakes the other. Who holds a floating seat when they become named
   * ones gets one of these.
   * @throws PublicError 400 `invalid_terms`; 404 `unknown_license`, `unknown_plan_version`; 409 `seats_in_use`,
   * `too_many_changes`, `license_ended`; 412 `license_changed_meanwhile`
   */
  async changeTerms(change: TermsChange, by: By, circumstances: Circumstances = {}): Promise<LicenseChange> {
    const problem = termsChangeProblem(change);
    if (problem) throw invalidTerms(problem);
    return this.database.transaction(async (transaction) => {
      const claimed = await claimLicense(transaction, change.licenseId, circumstances);
      await requirePlanVersion(transaction, claimed, change.planVersionId);
      const now = await currentInstant(transaction);
      if (change.effectiveAt && change.effectiveAt < now) {
        throw invalidTerms(
          'Terms change from now on: this instant has passed. Leave it out to change them now.',
        );
      }
      const terms = await termsOf(transaction, change.licenseId);
      const present = later(now, claimed.starts_at);
      const effectiveAt = later(change.effectiveAt ?? now, claimed.starts_at);
      const before = heldAt(terms, effectiveAt);
      const after = changedTerms(before, change, effectiveAt);
      if (typeof after === 'string') throw invalidTerms(after);
      if (effectiveAt <= present && shrinks(before, after)) {
        await dropExpired(transaction, change.licenseId);
        if (before.seatModel === 'floating' && after.seatModel === 'named') {
          await seatLeaseHolders(transaction, change.licenseId, by);
        }
        if (!change.surplusUntil) await requireEnoughSeats(transaction, change.licenseId, before, after);
      }
      const result = replaceTerms(terms, after.effectiveAt, after);
      if (result.length > MOST_TERMS) throw tooManyChanges();
      await saveTerms(transaction, change.licenseId, result.slice(result.indexOf(after)));
      const detail = { effectiveAt: after.effectiveAt, before, after, terms: result };
      const changed = await recordChange(transaction, change.licenseId, {
        act: 'license.change-terms',
        by,
        detail,
        reason: circumstances.reason,
      });
      return effectiveAt > present
        ? { ...changed, ...(await noticeOf(transaction, change, before, after)) }
        : changed;
    });
  }

  /** What is to change, the earliest first. @throws PublicError 404 `unknown_license` */
  async scheduledChanges(licenseId: string, organizationId: string | null = null): Promise<TermsDetails[]> {
    const rows = await this.database.query<TermsRow & { effective_at: Date | null }>(sql`
      SELECT terms.* FROM licenses
        LEFT JOIN license_terms AS terms
          ON license_id = licenses.id AND effective_at > greatest(starts_at, clock_timestamp())
       WHERE licenses.id = ${licenseId}
         AND organization_id = COALESCE(${organizationId}::uuid, organization_id)
         AND (${organizationId}::uuid IS NULL OR status <> 'draft')
       ORDER BY effective_at`);
    if (rows.length === 0) throw unknownLicense();
    return rows.filter((row) => row.effective_at !== null).map(detailsOf);
  }

  /**
   * Calls off a change before it begins; what was to come after it follows.
   * @param effectiveAt when it was to begin, as `scheduledChanges` gives it
   * @throws PublicError 404 `unknown_license`, `unknown_change`; 409 `change_has_begun`, `license_ended`;
   * 412 `license_changed_meanwhile`
   */
  async cancelChange(
    { licenseId, effectiveAt }: { licenseId: string; effectiveAt: Date },
    by: By,
    circumstances: Circumstances = {},
  ): Promise<LicenseChange> {
    return this.database.transaction(async (transaction) => {
      const claimed = await claimLicense(transaction, licenseId, circumstances);
      const terms = await termsOf(transaction, licenseId);
      const instant = effectiveAt.getTime();
      const found = terms.find((one) => Date.parse(one.effectiveAt) === instant);
      if (!found) {
        throw new PublicError(
          404,
          'unknown_change',
          'No change of this license is to begin at this instant.',
        );
      }
      if (effectiveAt <= later(await currentInstant(transaction), claimed.starts_at)) {
        throw new PublicError(409, 'change_has_begun', 'These terms hold already. Change them anew instead.');
      }
      const result = replaceTerms(terms, found.effectiveAt, null);
      await transaction.query(sql`
        DELETE FROM license_terms WHERE license_id = ${licenseId} AND effective_at = ${effectiveAt}`);
      await saveTerms(
        transaction,
        licenseId,
        result.filter((one) => Date.parse(one.effectiveAt) > instant),
      );
      const detail = { effectiveAt: found.effectiveAt, cancelled: found, terms: result };
      return recordChange(transaction, licenseId, {
        act: 'license.cancel-change',
        by,
        detail,
        reason: circumstances.reason,
      });
    });
  }
}

/**
 * When the locks have been taken, not when the transaction began. To the millisecond, as a Date is and as snapshots
 * carry instants: two of one millisecond would be one there.
 */
async function currentInstant(transaction: Transaction): Promise<Date> {
  const [row] = await transaction.query<{ now: Date }>(sql`
    SELECT clock_timestamp() AS now`);
  if (!row) throw new Error('a SELECT without FROM gave no row');
  return row.now;
}

async function termsOf(transaction: Transaction, licenseId: string): Promise<TermsDetails[]> {
  const rows = await transaction.query<TermsRow>(sql`
    SELECT effective_at, plan_version_id, seat_model, seat_limit, surplus_until
      FROM license_terms WHERE license_id = ${licenseId} ORDER BY effective_at`);
  return rows.map(detailsOf);
}

function detailsOf(row: TermsRow): TermsDetails {
  return {
    effectiveAt: row.effective_at.toISOString(),
    planVersionId: row.plan_version_id,
    seatModel: row.seat_model,
    seatLimit: row.seat_limit,
    surplusUntil: row.surplus_until?.toISOString() ?? null,
  };
}

function heldAt(terms: readonly TermsDetails[], at: Date): TermsDetails {
  const begun = terms.filter((one) => Date.parse(one.effectiveAt) <= at.getTime());
  const held = begun.at(-1) ?? terms[0];
  if (!held) throw new Error('a license without terms');
  return held;
}

async function requirePlanVersion(
  transaction: Transaction,
  { module_key: moduleKey }: ClaimedLicense,
  planVersionId: string | undefined,
): Promise<void> {
  if (planVersionId === undefined) return;
  const found = await transaction.query(sql`
    SELECT id FROM plan_versions WHERE id = ${planVersionId} AND module_key = ${moduleKey}`);
  if (found.length > 0) return;
  throw new PublicError(
    404,
    'unknown_plan_version',
    "There is no such plan version of this license's module.",
  );
}

/**
 * A statement of its own under the license's lock: it sees every seat that was given before. Of seats that begin to
 * float there have to be as many as are in use by name, since whoever sits on those takes one when they go on.
 */
async function requireEnoughSeats(
  transaction: Transaction,
  licenseId: string,
  before: Pick<TermsDetails, 'seatModel'>,
  { seatModel, seatLimit }: Pick<TermsDetails, 'seatModel' | 'seatLimit'>,
): Promise<void> {
  const standing = await seatStanding(transaction, licenseId);
  // those who held floating seats have named ones by now
  const models = seatModel === 'named' ? [seatModel] : [before.seatModel, seatModel];
  const used = Math.max(...models.map((model) => seatsInUse(model, standing)));
  if (seatLimit === null || used <= seatLimit) return;
  const force =
    seatModel === 'named'
      ? 'choose a later instant, or say until when those beyond the limit keep access.'
      : 'or choose a later instant.';
  throw new PublicError(
    409,
    'seats_in_use',
    `${used} seats are in use, more than the ${seatLimit} there would be. Release some, ${force}`,
  );
}

/** At a later instant nobody is seated who holds no named seat by then: at once, those who hold a floating one are. */
async function noticeOf(
  transaction: Transaction,
  { licenseId }: TermsChange,
  before: TermsDetails,
  { seatModel, seatLimit, effectiveAt }: TermsDetails,
): Promise<{ notice?: string }> {
  if (seatModel !== 'named' || before.seatModel === 'named') return {};
  const { active } = await seatStanding(transaction, licenseId);
  const notice = `From ${effectiveAt} on the license lets in those alone who hold a named seat: nobody is seated by the change, and ${active} of ${seatLimit} seats are assigned now. Assign the others before.`;
  return { notice };
}

async function saveTerms(
  transaction: Transaction,
  licenseId: string,
  terms: readonly TermsDetails[],
): Promise<void> {
  await transaction.query(sql`
    INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model, seat_limit, surplus_until)
    SELECT ${licenseId}, "effectiveAt", "planVersionId", "seatModel", "seatLimit", "surplusUntil"
      FROM jsonb_to_recordset(${JSON.stringify(terms)}::jsonb) AS terms
           ("effectiveAt" timestamptz, "planVersionId" uuid, "seatModel" text, "seatLimit" integer,
            "surplusUntil" timestamptz)
    ON CONFLICT (license_id, effective_at) DO UPDATE
       SET plan_version_id = excluded.plan_version_id, seat_model = excluded.seat_model,
           seat_limit = excluded.seat_limit, surplus_until = excluded.surplus_until`);
}

function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}

function invalidTerms(problem: string): PublicError {
  return new PublicError(400, 'invalid_terms', problem);
}

function tooManyChanges(): PublicError {
  return new PublicError(
    409,
    'too_many_changes',
    `A license has at most ${MOST_TERMS} terms over time. Issue a new license instead.`,
  );
}
