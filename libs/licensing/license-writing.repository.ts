import type { LicenseStatus } from '@core-auth/module-kit/licensing';
import { PublicError, randomUUID, sql, type Transaction } from '#platform';
import { actorOf, type By } from './by.js';
import {
  licenseProblem,
  type ChangeCondition,
  type LicenseChange,
  type LicenseDetails,
  type NewLicense,
} from './license.js';
import { renewalProblem, type Renewal } from './license-terms.js';

/** A license whose row this transaction holds; its version has been raised. */
export interface ClaimedLicense {
  readonly id: string;
  readonly organization_id: string;
  readonly module_key: string;
  readonly status: LicenseStatus;
  readonly starts_at: Date;
  readonly ends_at: Date | null;
  readonly grace_days: number;
  readonly time_zone: string;
  readonly trial: boolean;
}

/**
 * Begins a change of one license: the UPDATE that takes its row, for the rest of the transaction, is the one that
 * refuses another version and another organization's license. Seats of the license wait for the same row.
 * @throws PublicError 404 `unknown_license`; 409 `license_ended`; 412 `license_changed_meanwhile`
 */
export async function claimLicense(
  transaction: Transaction,
  licenseId: string,
  condition: ChangeCondition = {},
): Promise<ClaimedLicense> {
  const { expectedVersion = null, organizationId = null } = condition;
  const [claimed] = await transaction.query<ClaimedLicense>(sql`
    UPDATE licenses SET version = version + 1
     WHERE id = ${licenseId} AND version = COALESCE(${expectedVersion}::bigint, version)
       AND organization_id = COALESCE(${organizationId}::uuid, organization_id)
    RETURNING id, organization_id, module_key, status, starts_at, ends_at, grace_days, time_zone, trial`);
  if (!claimed) throw await refusedClaim(transaction, licenseId, condition);
  if (claimed.status === 'cancelled' || claimed.status === 'revoked') {
    throw new PublicError(409, 'license_ended', `This license is ${claimed.status} and changes no more.`);
  }
  return claimed;
}

/** Why a license could not be claimed: it is not there, not theirs, or of another version than expected. */
export async function refusedClaim(
  transaction: Transaction,
  licenseId: string,
  condition: ChangeCondition,
): Promise<PublicError> {
  const { expectedVersion, organizationId = null } = condition;
  const [there] = await transaction.query<{ version: string }>(sql`
    SELECT version FROM licenses
     WHERE id = ${licenseId} AND organization_id = COALESCE(${organizationId}::uuid, organization_id)`);
  if (!there) return unknownLicense();
  return new PublicError(
    412,
    'license_changed_meanwhile',
    'Somebody has changed this license since you read it. Read it again and decide anew.',
    { reason: `version ${there.version}, not ${expectedVersion}` },
  );
}

export function unknownLicense(): PublicError {
  return new PublicError(404, 'unknown_license', 'There is no such license.');
}

export interface LicenseAct {
  /** `license.` and what was done. */
  readonly act: string;
  /** Who did it: a user id, a client id, or a word for the process (`seed`). */
  readonly by: By;
  /** The change in full, from which the history is told (history.ts). */
  readonly detail: object;
  /** As in `Circumstances`. */
  readonly reason?: string | undefined;
}

/** Ends a change: raises the organization's version and writes the audit row and the outbox row. */
export async function recordChange(
  transaction: Transaction,
  licenseId: string,
  { act, by, detail, reason }: LicenseAct,
): Promise<LicenseChange> {
  const actor = actorOf(by);
  const [recorded] = await transaction.query<{ version: string; license_version: string }>(sql`
    WITH raised AS (
      UPDATE organizations SET license_version = license_version + 1 FROM licenses
       WHERE licenses.id = ${licenseId} AND organizations.id = organization_id
      RETURNING licenses.id, organization_id, module_key, license_version, licenses.version
    ), told AS (
      INSERT INTO outbox (kind, subject, organization_id, facts)
      SELECT 'license-changed', organization_id, organization_id,
             jsonb_build_object('act', ${act}::text, 'license_id', id, 'module', module_key)
        FROM raised
    ), audited AS (
      -- the time at which the change came about: the transaction may have begun long before, and waited
      INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail, occurred_at)
      SELECT ${act}::text, ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null}, id, organization_id,
             ${JSON.stringify({ ...detail, reason })}::jsonb || jsonb_build_object('version', version), clock_timestamp()
        FROM raised
    )
    SELECT license_version AS version, version AS license_version FROM raised`);
  if (!recorded) throw new Error('a license vanished while it was locked');
  return {
    licenseId,
    version: Number(recorded.version),
    licenseVersion: Number(recorded.license_version),
  };
}

/** Writes down a new license, and of a trial that it was given; the caller's transaction ends with the record. */
export async function insertLicense(
  transaction: Transaction,
  license: NewLicense,
  status: 'draft' | 'issued',
  { act, by }: Pick<LicenseAct, 'act' | 'by'>,
): Promise<LicenseChange> {
  const problem = licenseProblem(license);
  if (problem) throw invalidLicense(problem);
  const { id = randomUUID(), organizationId, moduleKey, planVersionId, environment = null } = license;
  const { startsAt, graceDays, seatModel, seatLimit, trial, lastDay = null } = license;
  const { timeZone = 'UTC', overage = 'refuse', seatOnFirstUse = false } = license;
  const { seatCooldownSeconds = 0, leaseSeconds = 300 } = license;
  const endsAt = await soundEnd(transaction, { ...license, timeZone });
  if (trial) await takeTrial(transaction, { ...license, id });
  const [inserted] = await transaction.query<{ environment: string }>(sql`
    WITH inserted AS (
      INSERT INTO licenses (id, organization_id, module_key, environment, status, starts_at, ends_at, grace_days,
                            trial, last_day, time_zone, overage, seat_on_first_use, seat_cooldown_seconds,
                            lease_seconds)
      SELECT ${id}, organizations.id, modules.key, COALESCE(${environment}, environment), ${status}, ${startsAt},
             ${endsAt}, ${graceDays}, ${trial}, ${lastDay}::date, ${timeZone}, ${overage}, ${seatOnFirstUse},
             ${seatCooldownSeconds}, ${leaseSeconds}
        FROM organizations, plan_versions JOIN modules ON modules.key = module_key
       WHERE organizations.id = ${organizationId}
         AND plan_versions.id = ${planVersionId} AND module_key = ${moduleKey}
         AND (${environment}::text IS NULL OR ${environment} IN (SELECT known.environment FROM modules AS known))
      ON CONFLICT (id) DO NOTHING
      RETURNING id, environment
    ), terms AS (
      INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model, seat_limit)
      SELECT id, ${startsAt}, ${planVersionId}, ${seatModel}, ${seatLimit} FROM inserted
    )
    SELECT environment FROM inserted`);
  if (!inserted) throw await refusedInsertion(transaction, { ...license, id });
  const effectiveAt = startsAt.toISOString();
  const detail: Omit<LicenseDetails, 'id' | 'version' | 'overrides' | 'seats'> = {
    ...{ module: moduleKey, environment: inserted.environment, status, trial, overage, timeZone, lastDay },
    ...{ startsAt: effectiveAt, endsAt: endsAt?.toISOString() ?? null, graceDays },
    ...{ seatOnFirstUse, seatCooldownSeconds, leaseSeconds },
    terms: [{ effectiveAt, planVersionId, seatModel, seatLimit, surplusUntil: null }],
  };
  const { requestSha256: request, reason } = license;
  const asked = request === undefined ? {} : { request };
  return recordChange(transaction, id, { act, by, detail: { license: detail, ...asked }, reason });
}

interface InsertionFacts {
  readonly taken: boolean;
  readonly organization: boolean;
  readonly module: boolean;
  /** Null when there is no such plan version. */
  readonly plan_module: string | null;
  readonly environments: readonly string[];
}

/** Why a license was not written down, its constraints asked one by one. */
async function refusedInsertion(
  transaction: Transaction,
  { id, organizationId, moduleKey, planVersionId, environment }: NewLicense & { readonly id: string },
): Promise<PublicError> {
  const [facts] = await transaction.query<InsertionFacts>(sql`
    SELECT EXISTS (SELECT FROM licenses WHERE id = ${id}) AS taken,
           EXISTS (SELECT FROM organizations WHERE id = ${organizationId}) AS organization,
           EXISTS (SELECT FROM modules WHERE key = ${moduleKey}) AS module,
           (SELECT module_key FROM plan_versions WHERE id = ${planVersionId}) AS plan_module,
           ARRAY(SELECT DISTINCT environment FROM modules ORDER BY environment) AS environments`);
  if (!facts) throw new Error('a SELECT without FROM gave no row');
  const { taken, organization, module, plan_module: planModule, environments } = facts;
  if (taken) return new PublicError(409, 'license_exists', 'There is a license with this id already.');
  if (!organization) return unknown('There is no such organization.');
  if (!module) return unknown(`There is no module "${moduleKey}".`);
  if (planModule === null) return unknown('There is no such plan version.');
  if (planModule !== moduleKey) {
    return unknown(`This plan version is one of the module "${planModule}", not of "${moduleKey}".`);
  }
  return invalidLicense(
    `No module is in the environment "${environment}", so that nobody could use the license. There are: ${environments.join(', ')}.`,
  );
}

function unknown(sentence: string): PublicError {
  return new PublicError(404, 'unknown_plan_or_organization', sentence);
}

/** The ledger's primary key decides who has the one trial; its row outlives the license. */
async function takeTrial(transaction: Transaction, license: NewLicense & { id: string }): Promise<void> {
  const { id, organizationId, moduleKey, planVersionId } = license;
  const [outcome] = await transaction.query<{ known: boolean; taken: boolean }>(sql`
    WITH known AS (
      SELECT organizations.id FROM organizations, plan_versions
       WHERE organizations.id = ${organizationId}
         AND plan_versions.id = ${planVersionId} AND module_key = ${moduleKey}
    ), taken AS (
      INSERT INTO trial_ledger (organization_id, module_key, license_id, started_at)
      SELECT known.id, ${moduleKey}, ${id}, now() FROM known
      ON CONFLICT (organization_id, module_key) DO NOTHING
      RETURNING license_id
    )
    SELECT EXISTS (SELECT FROM known) AS known, EXISTS (SELECT FROM taken) AS taken`);
  if (!outcome?.known) throw await refusedInsertion(transaction, license);
  if (!outcome.taken) {
    throw new PublicError(409, 'trial_used', 'This organization has had its trial of this module.');
  }
}

/**
 * Sets when a license that was claimed ends.
 * @returns what was set, as the audit row keeps it
 */
export async function setTerm(
  transaction: Transaction,
  claimed: ClaimedLicense,
  renewal: Renewal,
  trial: boolean,
): Promise<Pick<LicenseDetails, 'endsAt' | 'lastDay' | 'graceDays' | 'trial'>> {
  const problem = renewalProblem(renewal);
  if (problem) throw invalidLicense(problem);
  const { lastDay, graceDays = claimed.grace_days, shorten = false } = renewal;
  const endsAt = await soundEnd(transaction, {
    ...(lastDay === undefined ? {} : { lastDay }),
    endsAt: renewal.endsAt ?? null,
    startsAt: claimed.starts_at,
    timeZone: claimed.time_zone,
  });
  if (!shorten && endsAt && (claimed.ends_at === null || endsAt < claimed.ends_at)) {
    throw new PublicError(
      409,
      'would_shorten',
      `This license runs ${claimed.ends_at ? `until ${claimed.ends_at.toISOString()}` : 'without an end'}. ` +
        'Say that it is to be shortened, or choose a later end.',
    );
  }
  await transaction.query(sql`
    UPDATE licenses
       SET ends_at = ${endsAt}, last_day = ${lastDay ?? null}::date, grace_days = ${graceDays}, trial = ${trial}
     WHERE id = ${claimed.id}`);
  return { endsAt: endsAt?.toISOString() ?? null, lastDay: lastDay ?? null, graceDays, trial };
}

/** When a license ends: the first instant after its last day where the customer lives, or as told. */
async function soundEnd(
  transaction: Transaction,
  { lastDay, endsAt, startsAt, timeZone }: Pick<NewLicense, 'lastDay' | 'endsAt' | 'startsAt' | 'timeZone'>,
): Promise<Date | null> {
  const [computed] = await transaction
    .query<{ ends_at: Date | null; now: Date }>(
      sql`
    SELECT CASE WHEN ${lastDay ?? null}::date IS NULL THEN ${endsAt}::timestamptz
                ELSE (${lastDay ?? null}::date + 1)::timestamp AT TIME ZONE ${timeZone}::text END AS ends_at,
           clock_timestamp() AS now, now() AT TIME ZONE ${timeZone}::text AS known`,
    )
    .catch((error: Error & { code?: string }) => {
      // invalid_parameter_value: a zone that this host knows and the database does not
      if (error.code !== '22023') throw error;
      throw invalidLicense('The time zone is an IANA name such as Europe/Berlin.');
    });
  if (!computed) throw new Error('a SELECT without FROM gave no row');
  const { ends_at: end, now } = computed;
  if (end && end <= startsAt) throw invalidLicense('A license ends after it starts.');
  if (end && end <= now) throw invalidLicense('A license ends after now: this end has passed.');
  return end;
}

function invalidLicense(problem: string): PublicError {
  return new PublicError(400, 'invalid_license', problem);
}
