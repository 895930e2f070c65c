import { Injectable } from '@nestjs/common';
import type { LicenseSnapshot, LicenseStatus } from '@core-auth/module-kit/licensing';
import { Database, PublicError, sql, type Transaction } from '#platform';
import type { By } from './by.js';
import {
  invalidOverride,
  overridesOf,
  placeOverride,
  requireSoundOverride,
  unknownOverride,
} from './license-override.repository.js';
import { readLicenseSnapshot } from './license-snapshot.repository.js';
import {
  claimLicense,
  insertLicense,
  recordChange,
  refusedClaim,
  unknownLicense,
} from './license-writing.repository.js';
import {
  isDatable,
  transitionProblem,
  type ChangeCondition,
  type Circumstances,
  type LicenseChange,
  type NewLicense,
  type NewOverride,
} from './license.js';

/**
 * What was bought. Each change raises the organization's version and writes one audit row and one outbox row in its
 * transaction. Row locks are always taken licenses in id order first, organization last.
 */
@Injectable()
export class LicenseRepository {
  constructor(private readonly database: Database) {}

  /**
   * @param by who does it: a user id, a client id, or a word for the process (`seed`)
   * @throws PublicError 400 `invalid_license`; 404 `unknown_plan_or_organization` when the organization or that plan
   * version of the module does not exist; 409 `license_exists`, `trial_used`
   */
  issue(license: NewLicense, by: By): Promise<LicenseChange> {
    return this.database.transaction((transaction) =>
      insertLicense(transaction, license, 'issued', { act: 'license.issue', by }),
    );
  }

  /** As `issue`, but it gives nothing until its status is changed to `issued`. */
  draft(license: NewLicense, by: By): Promise<LicenseChange> {
    return this.database.transaction((transaction) =>
      insertLicense(transaction, license, 'draft', { act: 'license.draft', by }),
    );
  }

  /**
   * Draft to issued; issued to suspended and back; issued or suspended to cancelled or revoked, which absorb.
   * @throws PublicError 404 `unknown_license`; 409 `status_transition_refused`; 412 `license_changed_meanwhile`; all
   * decided by the UPDATE
   */
  async changeStatus(
    licenseId: string,
    to: LicenseStatus,
    by: By,
    circumstances: Circumstances = {},
  ): Promise<LicenseChange> {
    const { expectedVersion = null, organizationId = null, reason } = circumstances;
    return this.database.transaction(async (transaction) => {
      const changed = await transaction.query(sql`
        UPDATE licenses SET status = ${to}, version = version + 1
         WHERE id = ${licenseId} AND version = COALESCE(${expectedVersion}::bigint, version)
           AND organization_id = COALESCE(${organizationId}::uuid, organization_id)
           AND (status <> 'draft' OR ends_at IS NULL OR ends_at > clock_timestamp())
           AND (status, ${to}::text) IN (('draft', 'issued'), ('issued', 'suspended'), ('suspended', 'issued'),
                                         ('issued', 'cancelled'), ('suspended', 'cancelled'),
                                         ('issued', 'revoked'), ('suspended', 'revoked'))
        RETURNING id`);
      if (changed.length === 0) throw await refusedTransition(transaction, licenseId, to, circumstances);
      const detail = { status: to };
      return recordChange(transaction, licenseId, { act: 'license.change-status', by, detail, reason });
    });
  }

  /**
   * Sets what beats the plan for one feature for a time, or replaces it (placeOverride).
   * @throws PublicError 400 `invalid_override`; 404 `unknown_license`; 409 `license_ended`, `override_overlaps`,
   * `too_many_overrides`; 412 `license_changed_meanwhile`
   */
  async setOverride(
    override: NewOverride,
    by: By,
    circumstances: Circumstances = {},
  ): Promise<LicenseChange> {
    const { licenseId, feature, startsAt, endsAt } = override;
    return this.database.transaction(async (transaction) => {
      await requireSoundOverride(transaction, override);
      await claimLicense(transaction, licenseId, circumstances);
      const removed = override.value === 'REMOVED';
      const value = override.value === 'REMOVED' ? null : override.value;
      await placeOverride(transaction, override);
      const validity = { startsAt: startsAt.toISOString(), endsAt: endsAt?.toISOString() ?? null };
      const overrides = await overridesOf(transaction, licenseId, feature);
      const detail = { override: { feature, removed, value, ...validity }, overrides };
      return recordChange(transaction, licenseId, {
        act: 'license.override',
        by,
        detail,
        reason: circumstances.reason,
      });
    });
  }

  /**
   * Lets an override that has begun end, now or at a later instant before its end.
   * @throws PublicError 400 `invalid_override`; 404 `unknown_license`, `unknown_override` when there is none in force;
   * 409 `license_ended`; 412 `license_changed_meanwhile`
   */
  async endOverride(
    { licenseId, feature, endsAt }: { licenseId: string; feature: string; endsAt?: Date },
    by: By,
    circumstances: Circumstances = {},
  ): Promise<LicenseChange> {
    return this.database.transaction(async (transaction) => {
      await claimLicense(transaction, licenseId, circumstances);
      const [there] = await transaction.query<{ starts_at: Date; ends_at: Date | null; now: Date }>(sql`
        SELECT starts_at, ends_at, date_trunc('milliseconds', clock_timestamp()) AS now FROM license_overrides
         WHERE license_id = ${licenseId} AND feature_key = ${feature}
           AND starts_at < date_trunc('milliseconds', clock_timestamp())
           AND (ends_at IS NULL OR ends_at > clock_timestamp())`);
      if (!there) throw unknownOverride('There is no override of this feature in force.');
      const end = endsAt ?? there.now;
      if (!isDatable(end) || end < there.now || (there.ends_at && end >= there.ends_at)) {
        throw invalidOverride('An override ends early at an instant from now on and before its end.');
      }
      await transaction.query(sql`
        UPDATE license_overrides SET ends_at = ${end}
         WHERE license_id = ${licenseId} AND feature_key = ${feature} AND starts_at = ${there.starts_at}`);
      const overrides = await overridesOf(transaction, licenseId, feature);
      const detail = { feature, endsAt: end.toISOString(), overrides };
      return recordChange(transaction, licenseId, {
        act: 'license.end-override',
        by,
        detail,
        reason: circumstances.reason,
      });
    });
  }

  /**
   * Takes an override away as if it had never been set; the history keeps it. One that gave way to it keeps the end
   * that it was given.
   * @param startsAt of which, where the feature has several
   * @throws PublicError 404 `unknown_license`, `unknown_override`; 409 `license_ended`, `several_overrides`;
   * 412 `license_changed_meanwhile`
   */
  async removeOverride(
    { licenseId, feature, startsAt = null }: { licenseId: string; feature: string; startsAt?: Date | null },
    by: By,
    circumstances: Circumstances = {},
  ): Promise<LicenseChange> {
    return this.database.transaction(async (transaction) => {
      await claimLicense(transaction, licenseId, circumstances);
      const removed = await transaction.query(sql`
        DELETE FROM license_overrides
         WHERE license_id = ${licenseId} AND feature_key = ${feature}
           AND CASE WHEN ${startsAt}::timestamptz IS NULL
                    THEN 1 = (SELECT count(*) FROM license_overrides
                               WHERE license_id = ${licenseId} AND feature_key = ${feature})
                    ELSE starts_at = ${startsAt} END
        RETURNING license_id`);
      const overrides = await overridesOf(transaction, licenseId, feature);
      if (removed.length === 0) throw notRemoved(overrides, startsAt);
      return recordChange(transaction, licenseId, {
        act: 'license.remove-override',
        by,
        detail: { feature, overrides },
        reason: circumstances.reason,
      });
    });
  }

  /** See readLicenseSnapshot. */
  async snapshot(organizationId: string): Promise<LicenseSnapshot | undefined> {
    return readLicenseSnapshot(this.database, organizationId);
  }
}

async function refusedTransition(
  transaction: Transaction,
  licenseId: string,
  to: LicenseStatus,
  condition: ChangeCondition,
): Promise<PublicError> {
  const { expectedVersion = null, organizationId = null } = condition;
  const [license] = await transaction.query<{ status: LicenseStatus; expected: boolean; over: boolean }>(sql`
    SELECT status, version = COALESCE(${expectedVersion}::bigint, version) AS expected,
           COALESCE(ends_at <= clock_timestamp(), false) AS over FROM licenses
     WHERE id = ${licenseId} AND organization_id = COALESCE(${organizationId}::uuid, organization_id)`);
  if (!license) return unknownLicense();
  if (!license.expected) return refusedClaim(transaction, licenseId, condition);
  const { status, over } = license;
  const problem =
    status === 'draft' && to === 'issued' && over
      ? 'The end of this draft has passed: give it a later end by a renewal, then issue it.'
      : transitionProblem(status, to);
  return new PublicError(409, 'status_transition_refused', problem);
}

function notRemoved(there: readonly unknown[], startsAt: Date | null): PublicError {
  if (there.length === 0 || startsAt) {
    return unknownOverride(`There is no override of this feature${startsAt ? ' with this start' : ''}.`);
  }
  return new PublicError(
    409,
    'several_overrides',
    'This feature has several overrides: say by its starts_at which one to take away.',
  );
}
