import { isInstanceName, LONGEST_FILE_DAYS } from '@core-auth/module-kit/offline';
import { addSeconds } from '#platform';

const DAY = 86_400;
const MOST_SEATS = 1_000_000;

export interface NewOfflineGrant {
  readonly licenseId: string;
  /** 1 to 128 characters of `[A-Za-z0-9._-]`. */
  readonly instance: string;
  /** Seats that leave the online limit and are the instance's own; 0 where seats are unlimited. */
  readonly seatBlock: number;
  /** Exclusive; whole seconds, what is below is cut off. */
  readonly expiresAt: Date;
}

export interface OfflineGrant extends NewOfflineGrant {
  /** The file's `jti`. */
  readonly id: string;
  readonly organizationId: string;
  readonly moduleKey: string;
  /** From 1, for each license and instance. */
  readonly sequence: number;
  readonly issuedAt: Date;
  /** The organization's license version since then. */
  readonly version: number;
}

export interface ReturnedGrant {
  readonly licenseId: string;
  readonly instance: string;
  readonly seatBlock: number;
  /** Whether the file had expired before, so that its seats were back already. */
  readonly ended: boolean;
}

/** What is wrong with a grant that is asked for at `now`, as a sentence; undefined when nothing is. */
export function offlineGrantProblem(
  { instance, seatBlock, expiresAt }: NewOfflineGrant,
  now: Date,
): string | undefined {
  if (!isInstanceName(instance)) {
    return 'An instance is named by 1 to 128 letters, digits, dots, underscores and hyphens.';
  }
  if (!Number.isInteger(seatBlock) || seatBlock < 0 || seatBlock > MOST_SEATS) {
    return `The seat block is a whole number from 0 to ${MOST_SEATS}.`;
  }
  const latest = addSeconds(now, LONGEST_FILE_DAYS * DAY);
  if (!(wholeSeconds(expiresAt) > now)) return 'A license file ends after it is issued.';
  return expiresAt <= latest ? undefined : `A license file holds for ${LONGEST_FILE_DAYS} days at most.`;
}

/** The file says whole seconds, and the database has to end with the file. */
export function wholeSeconds(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 1000) * 1000);
}
