import type { DenyCode } from '../licensing/index.js';

interface RefusalContext {
  module: string;
  feature?: string | undefined;
  limit?: number | undefined;
  organization?: string | undefined;
  /** Whether who reads it is an owner or administrator of the organization, and so is whom others are told to ask. */
  administers?: boolean | undefined;
}

/** What a refusal says to a person: what is missing, and who can change it. */
export function describeRefusal(code: DenyCode, about: RefusalContext): { title: string; detail: string } {
  const { module, feature, organization: subject = 'Your organization' } = about;
  const ask = askOf(about);
  switch (code) {
    case 'ORG_CONTEXT_REQUIRED':
      return {
        title: 'Choose an organization',
        detail: `${module} is used on behalf of an organization. Choose one.`,
      };
    case 'ORG_SUSPENDED':
      return { title: 'Organization suspended', detail: `${subject} is suspended. ${ask}.` };
    case 'NOT_STARTED':
      return { title: 'Not yet licensed', detail: `The license for ${module} has not started yet. ${ask}.` };
    case 'SUSPENDED':
      return { title: 'License suspended', detail: `The license for ${module} is suspended. ${ask}.` };
    case 'EXPIRED':
      return {
        title: 'License expired',
        detail: `The license for ${module} has expired. ${ask} to renew it.`,
      };
    case 'TRIAL_ENDED':
      return { title: 'Trial ended', detail: `The trial of ${module} has ended. ${ask} to license it.` };
    case 'SEATS_EXHAUSTED':
      return {
        title: 'All seats in use',
        detail: `All seats for ${module} are in use. Try again when somebody has left. ${ask} for more seats.`,
      };
    case 'LEASE_EXPIRED':
      return {
        title: 'Seat given up',
        detail: `Your seat for ${module} could not be held on to. Try again in a moment.`,
      };
    case 'OVER_ALLOCATED':
      return { title: 'No seat', detail: `${module} has fewer seats than people. ${ask} for more seats.` };
    case 'SEAT_REQUIRED':
      return { title: 'No seat', detail: `You have no seat for ${module}. ${seatFrom(about)}.` };
    case 'FEATURE_NOT_INCLUDED':
      return {
        title: 'Not included in the plan',
        detail: `The plan for ${module} does not include ${named(feature) ?? 'this feature'}. ${ask} to change it.`,
      };
    case 'LIMIT_EXCEEDED':
      return { title: 'Limit reached', detail: `${limitReached(about)} ${ask} to extend it.` };
    case 'QUOTA_EXCEEDED':
      return {
        title: 'Quota used up',
        detail: `${limitReached(about)} ${ask} to extend it, or wait until the next period begins.`,
      };
    case 'OFFLINE_BAD_SIGNATURE':
    case 'OFFLINE_UNKNOWN_KEY':
    case 'OFFLINE_WRONG_INSTANCE':
    case 'OFFLINE_EXPIRED':
    case 'CLOCK_ROLLBACK':
      return {
        title: 'License file refused',
        detail: `The license file of ${module} does not hold here (${code}). Ask whoever runs ${module} for a new one.`,
      };
    case 'CHECK_UNAVAILABLE':
      return {
        title: 'Temporarily unavailable',
        detail: `The license for ${module} cannot be checked right now. Try again in a moment.`,
      };
    case 'MODULE_UNKNOWN':
    case 'ENV_MISMATCH':
    case 'NO_LICENSE':
    case 'REVOKED':
    case 'CANCELLED':
      return {
        title: 'No license',
        detail: `${subject} has no license for ${module}. ${ask} to get one.`,
      };
  }
}

function seatFrom(about: RefusalContext): string {
  return about.administers ? 'Give yourself one at Core Auth' : `${askOf(about)} to give you one`;
}

function askOf({ organization = 'your organization', administers = false }: RefusalContext): string {
  return administers ? 'Ask your supplier' : `Ask an owner or administrator of ${organization}`;
}

/** Worded so that it reads well with any number, and with a name in the singular or the plural. */
function limitReached({ module, feature, limit }: RefusalContext): string {
  const what = named(feature) ?? 'this feature';
  return limit === undefined
    ? `The plan for ${module} leaves no room for more of ${what}.`
    : `The plan for ${module} limits ${what} to ${limit}.`;
}

/** A feature's key as words: `api-access` is read as "api access". */
function named(feature: string | undefined): string | undefined {
  return feature?.replace(/[-_.:]+/g, ' ').trim() || undefined;
}
