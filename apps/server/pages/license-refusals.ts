import type { DenyCode, OfflineDenyCode } from '@core-auth/module-kit/licensing';

/** What a refusal means to the person who meets it, and what would lift it. */
export interface RefusalText {
  readonly title: string;
  /** One sentence: why. */
  readonly reason: string;
  /** One sentence: what to ask for. */
  readonly ask: string;
  /** What somebody does who assigns the seats of the organization themselves; otherwise as everybody else. */
  readonly own?: string;
  /** Whether it is a matter of seats, which such a person settles on the page of the license. */
  readonly seats?: true;
}

/** Of the licenses of an organization: nothing, its seats, or as an operator all there is. */
export type Administers = 'nothing' | 'seats' | 'licenses';

interface Subject {
  readonly module: string;
  readonly organization: string;
  /** Whether seats are free that go to their last holders alone for a while. */
  readonly seatsCool?: boolean;
}

type Explain = (subject: Subject) => RefusalText;

const THROUGH_API = 'As an operator you can change that yourself, through the licensing API.';

const refusals = {
  ORG_CONTEXT_REQUIRED: ({ module }) => ({
    title: 'Choose an organization first',
    reason: `${module} belongs to organizations, and no organization is chosen for this session.`,
    ask: 'Choose an organization, then open the module again.',
  }),
  ORG_SUSPENDED: ({ organization }) => ({
    title: 'This organization is suspended',
    reason: `${organization} is suspended, so none of its modules can be used at the moment.`,
    ask: 'An owner of the organization can settle this with the supplier.',
    own: 'Settle this with the supplier.',
  }),
  MODULE_UNKNOWN: ({ module }) => ({
    title: 'This module does not exist here',
    reason: `There is no module called ${module} on this installation.`,
    ask: 'Check the address, or ask where it went.',
    own: 'Check the address, or ask the supplier where it went.',
  }),
  ENV_MISMATCH: ({ module, organization }) => ({
    title: 'Licensed for another environment',
    reason: `${organization} has a license for ${module}, but for another environment than this one.`,
    ask: 'Open the module where it is licensed, or ask for a license for this environment.',
    own: 'Open the module where it is licensed, or ask the supplier for a license for this environment.',
  }),
  NO_LICENSE: ({ module, organization }) => ({
    title: `${module} is not included`,
    reason: `${organization} has no license for ${module}.`,
    ask: 'Ask one of these people to add it.',
    own: 'Ask the supplier to add it.',
  }),
  NOT_STARTED: ({ module, organization }) => ({
    title: 'The license has not started yet',
    reason: `The license of ${organization} for ${module} begins at a later date.`,
    ask: 'Come back then, or ask for an earlier start.',
    own: 'Come back then, or ask the supplier for an earlier start.',
  }),
  SUSPENDED: ({ module, organization }) => ({
    title: 'The license is suspended',
    reason: `The license of ${organization} for ${module} is suspended.`,
    ask: 'Ask one of these people to have it resumed.',
    own: 'Ask the supplier to resume it.',
  }),
  REVOKED: ({ module, organization }) => ({
    title: 'The license was revoked',
    reason: `The license of ${organization} for ${module} was revoked.`,
    ask: 'Ask one of these people whether a new license is planned.',
    own: 'Ask the supplier for a new license.',
  }),
  CANCELLED: ({ module, organization }) => ({
    title: 'The license was cancelled',
    reason: `The license of ${organization} for ${module} was cancelled.`,
    ask: 'Ask one of these people whether a new license is planned.',
    own: 'Ask the supplier for a new license.',
  }),
  TRIAL_ENDED: ({ module, organization }) => ({
    title: 'The trial has ended',
    reason: `The trial of ${module} for ${organization} is over. What you made is kept.`,
    ask: 'Ask one of these people to license the module.',
    own: 'Ask the supplier for a license.',
  }),
  EXPIRED: ({ module, organization }) => ({
    title: 'The license has expired',
    reason: `The license of ${organization} for ${module} has expired. What you made is kept.`,
    ask: 'Ask one of these people to renew it.',
    own: 'Ask the supplier to renew it.',
  }),
  SEAT_REQUIRED: ({ module, organization }) => ({
    title: 'You have no seat yet',
    reason: `${organization} has a license for ${module}, but no seat of it is assigned to you.`,
    ask: 'Ask one of these people to assign you a seat.',
    own: 'You can assign a seat to yourself.',
    seats: true,
  }),
  SEATS_EXHAUSTED: ({ module, organization, seatsCool }) =>
    seatsCool
      ? {
          title: 'No seat is free yet',
          reason: `Every seat that ${organization} has for ${module} is in use, or was released so lately that it goes to nobody but its last holder.`,
          ask: 'Come back then, or ask one of these people to add more.',
          own: 'Come back then, or ask the supplier for more.',
          seats: true,
        }
      : {
          title: 'All seats are taken',
          reason: `Every seat that ${organization} has for ${module} is in use.`,
          ask: 'Ask one of these people to free a seat or to add more.',
          own: 'You can free a seat, or ask the supplier for more.',
          seats: true,
        },
  OVER_ALLOCATED: ({ module, organization }) => ({
    title: 'More seats are used than licensed',
    reason: `${organization} uses more seats of ${module} than its license has, so nobody new is let in.`,
    ask: 'Ask one of these people to free seats or to add more.',
    own: 'You can free seats, or ask the supplier for more.',
    seats: true,
  }),
  LEASE_EXPIRED: ({ module }) => ({
    title: 'Your seat was given back',
    reason: `The seat that you held in ${module} was released because it was not used for a while.`,
    ask: 'Open the module again to take a free seat.',
  }),
  FEATURE_NOT_INCLUDED: ({ module, organization }) => ({
    title: 'This feature is not included',
    reason: `The plan that ${organization} has for ${module} does not include this feature.`,
    ask: 'Ask one of these people about a larger plan.',
    own: 'Ask the supplier for a larger plan.',
  }),
  LIMIT_EXCEEDED: ({ module, organization }) => ({
    title: 'The limit of the plan is reached',
    reason: `${organization} has reached a limit of its plan for ${module}.`,
    ask: 'Ask one of these people to raise the limit.',
    own: 'Ask the supplier to raise the limit.',
  }),
  QUOTA_EXCEEDED: ({ module, organization }) => ({
    title: 'The quota is used up',
    reason: `${organization} has used up its quota of ${module} for this period.`,
    ask: 'Wait for the next period, or ask one of these people for more.',
    own: 'Wait for the next period, or ask the supplier for more.',
  }),
  CHECK_UNAVAILABLE: ({ module }) => ({
    title: 'The license cannot be checked right now',
    reason: `Whether ${module} may be opened could not be checked, so it stays closed for the moment.`,
    ask: 'Try again in a minute.',
  }),
} satisfies Record<Exclude<DenyCode, OfflineDenyCode>, Explain> & Record<string, Explain>;

const offline: Explain = ({ module }) => ({
  title: 'The license file is not valid',
  reason: `The license file that ${module} runs on is not valid for this installation at this time.`,
  ask: 'Ask one of these people for a new license file.',
  own: 'Ask the supplier for a new license file.',
});

const other: Explain = ({ module, organization }) => ({
  title: `${module} cannot be opened`,
  reason: `${organization} may not use ${module} at the moment.`,
  ask: 'Ask one of these people, and tell them the code below.',
  own: 'Ask the supplier, and tell them the code.',
});

/** Words for a denial code of `decide()`; a code that is not known here still gets an honest sentence. */
export function describeRefusal(code: string, subject: Subject): RefusalText {
  const known: Readonly<Record<string, Explain>> = refusals;
  if (Object.hasOwn(known, code)) return (known[code] ?? other)(subject);
  return (code.startsWith('OFFLINE_') || code === 'CLOCK_ROLLBACK' ? offline : other)(subject);
}

/** What the reader does about a refusal. */
export interface NextStep {
  readonly sentence: string;
  /** Whether it is others whom they ask. */
  readonly asksOthers: boolean;
  /** Where they do it. */
  readonly link: { readonly href: string; readonly text: string } | undefined;
}

/** @param licenseId which the refusal is about */
export function nextStep(
  { ask, own, seats }: RefusalText,
  administers: Administers,
  licenseId: string | null,
): NextStep {
  if (own === undefined || administers === 'nothing') {
    return { sentence: ask, asksOthers: own !== undefined, link: undefined };
  }
  if (seats) {
    const href = licenseId === null ? '/console/licenses' : `/console/licenses/${licenseId}`;
    return { sentence: own, asksOthers: false, link: { href, text: 'See the seats' } };
  }
  return {
    sentence: administers === 'licenses' ? THROUGH_API : own,
    asksOthers: false,
    link: { href: '/console/licenses', text: 'See the licenses' },
  };
}
