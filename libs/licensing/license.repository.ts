import { Injectable } from '@nestjs/common';
import type { FeatureDefinition, LicenseSnapshot, LicenseStatus } from '@core-auth/module-kit/licensing';
import { Database, PublicError, sql, type Transaction } from '#platform';
import { featureProblem } from './catalog.js';
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
  overrideTermProblem,
  transitionProblem,
  type ChangeCondition,
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
   * @param actor who does it: a user id, a client id, or a word for the process (`seed`)
   * @throws PublicError 400 `invalid_license`; 404 `unknown_plan_or_organization` when the organization or that plan
   * version of the module does not exist; 409 `license_exists`, `trial_used`
   */
  issue(license: NewLicense, actor: string): Promise<LicenseChange> {
    return this.database.transaction((transaction) =>
      insertLicense(transaction, license, 'issued', { act: 'license.issue', actor }),
    );
  }

  /** As `issue`, but it gives nothing until its status is changed to `issued`. */
  draft(license: NewLicense, actor: string): Promise<LicenseChange> {
    return this.database.transaction((transaction) =>
      insertLicense(transaction, license, 'draft', { act: 'license.draft', actor }),
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
    actor: string,
    condition: ChangeCondition = {},
  ): Promise<LicenseChange> {
    const { expectedVersion = null, organizationId = null } = condition;
    return this.database.transaction(async (transaction) => {
      const changed = await transaction.query(sql`
        UPDATE licenses SET status = ${to}, version = version + 1
         WHERE id = ${licenseId} AND version = COALESCE(${expectedVersion}::bigint, version)
           AND organization_id = COALESCE(${organizationId}::uuid, organization_id)
           AND (status, ${to}::text) IN (('draft', 'issued'), ('issued', 'suspended'), ('suspended', 'issued'),
                                         ('issued', 'cancelled'), ('suspended', 'cancelled'),
                                         ('issued', 'revoked'), ('suspended', 'revoked'))
        RETURNING id`);
      if (changed.length === 0) throw await refusedTransition(transaction, licenseId, to, condition);
      const detail = { status: to };
      return recordChange(transaction, licenseId, { act: 'license.change-status', actor, detail });
    });
  }

  /**
   * Sets, or replaces, a license's override of one feature.
   * @throws PublicError 400 `invalid_override`; 404 `unknown_license`; 409 `license_ended`;
   * 412 `license_changed_meanwhile`
   */
  async setOverride(
    override: NewOverride,
    actor: string,
    condition?: ChangeCondition,
  ): Promise<LicenseChange> {
    const { licenseId, feature, startsAt, endsAt } = override;
    return this.database.transaction(async (transaction) => {
      await requireSoundOverride(transaction, override);
      await claimLicense(transaction, licenseId, condition);
      const removed = override.value === 'REMOVED';
      const value = override.value === 'REMOVED' ? null : override.value;
      await transaction.query(sql`
        INSERT INTO license_overrides (license_id, feature_key, removed, value, starts_at, ends_at)
        VALUES (${licenseId}, ${feature}, ${removed}, ${removed ? null : JSON.stringify(value)}::jsonb, ${startsAt},
                ${endsAt})
        ON CONFLICT (license_id, feature_key) DO UPDATE
           SET removed = excluded.removed, value = excluded.value,
               starts_at = excluded.starts_at, ends_at = excluded.ends_at`);
      const validity = { startsAt: startsAt.toISOString(), endsAt: endsAt?.toISOString() ?? null };
      const detail = { override: { feature, removed, value, ...validity } };
      return recordChange(transaction, licenseId, { act: 'license.override', actor, detail });
    });
  }

  /**
   * Lets an override that has begun end, now or at a later instant before its end.
   * @throws PublicError 400 `invalid_override`; 404 `unknown_license`, `unknown_override` when there is none in force;
   * 409 `license_ended`; 412 `license_changed_meanwhile`
   */
  async endOverride(
    { licenseId, feature, endsAt }: { licenseId: string; feature: string; endsAt?: Date },
    actor: string,
    condition?: ChangeCondition,
  ): Promise<LicenseChange> {
    return this.database.transaction(async (transaction) => {
      await claimLicense(transaction, licenseId, condition);
      const [there] = await transaction.query<{ ends_at: Date | null; now: Date }>(sql`
        SELECT ends_at, date_trunc('milliseconds', clock_timestamp()) AS now FROM license_overrides
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
         WHERE license_id = ${licenseId} AND feature_key = ${feature}`);
      const detail = { feature, endsAt: end.toISOString() };
      return recordChange(transaction, licenseId, { act: 'license.end-override', actor, detail });
    });
  }

  /**
   * Takes an override away as if it had never been set; the history keeps it.
   * @throws PublicError 404 `unknown_license`, `unknown_override`; 409 `license_ended`; 412 `license_changed_meanwhile`
   */
  async removeOverride(
    { licenseId, feature }: { licenseId: string; feature: string },
    actor: string,
    condition?: ChangeCondition,
  ): Promise<LicenseChange> {
    return this.database.transaction(async (transaction) => {
      await claimLicense(transaction, licenseId, condition);
      const removed = await transaction.query(sql`
        DELETE FROM license_overrides WHERE license_id = ${licenseId} AND feature_key = ${feature}
        RETURNING license_id`);
      if (removed.length === 0) throw unknownOverride('There is no override of this feature.');
      return recordChange(transaction, licenseId, {
        act: 'license.remove-override',
        actor,
        detail: { feature },
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
  const [license] = await transaction.query<{ status: LicenseStatus; expected: boolean }>(sql`
    SELECT status, version = COALESCE(${expectedVersion}::bigint, version) AS expected FROM licenses
     WHERE id = ${licenseId} AND organization_id = COALESCE(${organizationId}::uuid, organization_id)`);
  if (!license) return unknownLicense();
  if (!license.expected) return refusedClaim(transaction, licenseId, condition);
  return new PublicError(409, 'status_transition_refused', transitionProblem(license.status, to));
}

async function requireSoundOverride(transaction: Transaction, override: NewOverride): Promise<void> {
  const { licenseId, feature, value, endsAt } = override;
  const undated = overrideTermProblem(override);
  if (undated) throw invalidOverride(undated);
  const [row] = await transaction.query<{ now: Date } & { [Field in keyof FeatureDefinition]: unknown }>(sql`
    SELECT clock_timestamp() AS now, features.key, type, combine
      FROM licenses LEFT JOIN features ON features.module_key = licenses.module_key AND features.key = ${feature}
     WHERE licenses.id = ${licenseId}`);
  if (!row) throw unknownLicense();
  if (endsAt && endsAt <= row.now) {
    throw invalidOverride('An override ends after now: this end has passed.');
  }
  const { key, type, combine } = row as unknown as FeatureDefinition & { key: string | null };
  const definitions = key === null ? [] : [{ key, type, combine }];
  if (value === 'REMOVED' && definitions.length > 0) return;
  const problem = featureProblem(feature, value === 'REMOVED' ? null : value, definitions);
  if (problem) throw invalidOverride(problem);
}

function invalidOverride(problem: string): PublicError {
  return new PublicError(400, 'invalid_override', problem);
}

function unknownOverride(problem: string): PublicError {
  return new PublicError(404, 'unknown_override', problem);
}
