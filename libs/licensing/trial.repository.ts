import { Injectable } from '@nestjs/common';
import type { SeatModel } from '@core-auth/module-kit/licensing';
import { Clock, Database, PublicError } from '#platform';
import type { By } from './by.js';
import type { Circumstances, LicenseChange } from './license.js';
import type { Renewal } from './license-terms.js';
import { claimLicense, insertLicense, recordChange, setTerm } from './license-writing.repository.js';

const DAY_IN_MILLISECONDS = 86_400_000;
const LONGEST_TRIAL = 365;

export interface NewTrial {
  readonly organizationId: string;
  readonly moduleKey: string;
  readonly planVersionId: string;
  /** Of 24 hours each, from 1 to 365. */
  readonly days: number;
  /** An IANA name; UTC unless told. */
  readonly timeZone?: string;
  /** For everybody unless told. */
  readonly seats?: { readonly model: SeatModel; readonly limit: number | null };
  /** Why, as in `Circumstances`. */
  readonly reason?: string | undefined;
}

/** Trials: one of a module for each organization, for ever. */
@Injectable()
export class TrialRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Begins an organization's only trial of a module; who has it is decided by the ledger's primary key.
   * @param by who does it: a user id, a client id, or a word for the process
   * @throws PublicError 400 `invalid_trial`, `invalid_license`; 404 `unknown_plan_or_organization`; 409 `trial_used`
   */
  async startTrial(trial: NewTrial, by: By): Promise<LicenseChange> {
    const { organizationId, moduleKey, planVersionId, days, timeZone = 'UTC', seats, reason } = trial;
    if (!Number.isInteger(days) || days < 1 || days > LONGEST_TRIAL) {
      throw new PublicError(
        400,
        'invalid_trial',
        `A trial lasts a whole number of days from 1 to ${LONGEST_TRIAL}.`,
      );
    }
    const startsAt = this.clock.now();
    const endsAt = new Date(startsAt.getTime() + days * DAY_IN_MILLISECONDS);
    const license = {
      ...{ organizationId, moduleKey, planVersionId, startsAt, endsAt, timeZone, graceDays: 0, trial: true },
      ...{ reason, seatModel: seats?.model ?? ('unlimited' as const), seatLimit: seats?.limit ?? null },
    };
    return this.database.transaction((transaction) =>
      insertLicense(transaction, license, 'issued', { act: 'license.start-trial', by }),
    );
  }

  /**
   * Makes a trial, running or ended, a paid license with a term of its own. People keep their seats; what the plan
   * gives changes with the terms (LicenseTermsRepository.changeTerms).
   * @throws PublicError as LicenseTermsRepository.renew; 409 `not_a_trial`
   */
  async convertTrial(term: Renewal, by: By, circumstances: Circumstances = {}): Promise<LicenseChange> {
    const { licenseId } = term;
    return this.database.transaction(async (transaction) => {
      const claimed = await claimLicense(transaction, licenseId, circumstances);
      if (!claimed.trial) throw new PublicError(409, 'not_a_trial', 'This license is no trial.');
      const detail = await setTerm(transaction, claimed, term, false);
      return recordChange(transaction, licenseId, {
        act: 'license.convert-trial',
        by,
        detail,
        reason: circumstances.reason,
      });
    });
  }
}
