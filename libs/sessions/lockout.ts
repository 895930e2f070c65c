import type { KeyedDigest } from '#platform';

/** Who tries to sign in, as far as it is known before the password is looked at. */
export interface Attempt {
  /** As it is normalized, whether an account has it or not. */
  readonly email: string;
  /** What a limit counts for the address that the try comes from. */
  readonly network: string;
  /** Of the account, if there is one. */
  readonly userId: string | undefined;
  /** The known device of this account that the try comes from; in a session, that session. */
  readonly deviceId: string | undefined;
}

/** What failures are counted for, and what follows from their number. */
export interface Limit {
  readonly subject: string;
  readonly user: string | null;
  /** Whether it belongs to the account, so that it ends with an unlocking of it. */
  readonly owned: boolean;
  /** From this number of failures on each further one brings a delay. */
  readonly free: number;
  /** Seconds of the delays, one after the other; the last holds for all beyond. */
  readonly delays: readonly number[];
  /** After so many seconds without a failure one is forgotten; null when nothing but a quiet day forgets any. */
  readonly forgets: number | null;
  /** Whether a delay is told to the owner of the account. */
  readonly mails: boolean;
  /**
   * Whether who is delayed hears of that mail: of an account and of who guesses at it alike, since the link ends the
   * one delay and not the other, and at an address that nobody has no link does.
   */
  readonly saysMailed: boolean;
}

const FIRST_DELAY = 30;
/**
 * An account is closed to strangers no longer than this, lest anyone could keep its owner out, until there have been a
 * hundred failures in a row: then for a day.
 */
const ACCOUNT_DELAY = 900;
/** Who guesses waits longer than the others whom the guesses concern. */
const PAIR_DELAY = 3600;
/** Many people may be behind one address: it has as many free failures as so many accounts, and forgets faster. */
const NETWORK_ACCOUNTS = 10;
const NETWORK_FORGETS = 72;

/** Thirty seconds, doubling until `longest`. */
export function delaysUpTo(longest: number): number[] {
  const delays: number[] = [];
  for (let delay = FIRST_DELAY; delay < longest; delay *= 2) delays.push(delay);
  return [...delays, longest];
}

const DELAYS = { account: delaysUpTo(ACCOUNT_DELAY), pair: delaysUpTo(PAIR_DELAY) };

/**
 * What a try counts for. At a known device that is this device alone: nothing that strangers do to the account, or to
 * the network, delays who has signed in from there before (OWASP Authentication Cheat Sheet, device cookies).
 */
export function limitsOf({ deviceId, ...attempt }: Attempt, free: number, digests: KeyedDigest): Limit[] {
  if (deviceId === undefined) return limitsOfStrangers(attempt, free, digests);
  return [{ ...limitOfDevice(free), subject: deviceSubject(deviceId), user: attempt.userId ?? null }];
}

/** What a try counts for at a browser that the account is not known at. */
export function limitsOfStrangers(
  { email, network, userId }: Omit<Attempt, 'deviceId'>,
  free: number,
  digests: KeyedDigest,
): Limit[] {
  const ofAccount = {
    user: userId ?? null,
    owned: true,
    free,
    forgets: null,
    mails: false,
    saysMailed: false,
  };
  return [
    {
      ...ofAccount,
      subject: accountSubject(email, digests),
      delays: DELAYS.account,
      mails: true,
      saysMailed: true,
    },
    {
      subject: networkSubject(network, digests),
      user: null,
      owned: false,
      free: free * NETWORK_ACCOUNTS,
      delays: DELAYS.account,
      forgets: NETWORK_FORGETS,
      mails: false,
      saysMailed: false,
    },
    { ...ofAccount, subject: pairSubject(email, network, digests), delays: DELAYS.pair, saysMailed: true },
  ];
}

/** As one known device has it, whichever that is. */
export function limitOfDevice(free: number): Omit<Limit, 'subject' | 'user'> {
  return { owned: true, free, delays: DELAYS.account, forgets: null, mails: false, saysMailed: false };
}

export const deviceSubject = (deviceId: string) => `device:${deviceId}`;

/** Addresses that somebody typed, or came from, are kept only as digests, whether an account has them or not. */
export const accountSubject = (email: string, digests: KeyedDigest) => subject('account', email, digests);
export const networkSubject = (network: string, digests: KeyedDigest) => subject('network', network, digests);
export const pairSubject = (email: string, network: string, digests: KeyedDigest) =>
  subject('pair', `${email}|${network}`, digests);

function subject(kind: string, text: string, digests: KeyedDigest): string {
  return `${kind}:${digests.of(`sign-in ${kind}`, text).toString('base64url')}`;
}
