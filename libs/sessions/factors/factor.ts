/** Whose factors they are, as mail to them needs it. */
export interface FactorOwner {
  readonly userId: string;
  readonly email: string;
}

/** An authenticator app. */
export interface TotpFactor {
  readonly createdAt: Date;
  readonly lastUsedAt: Date | undefined;
}

export interface Passkey {
  readonly id: string;
  readonly name: string;
  /** A provider may keep it on several devices. */
  readonly synced: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | undefined;
}

/** Why a passkey proves nothing. */
export interface PasskeyRefusal {
  readonly kind: 'refused';
  readonly reason: 'unreadable' | 'challenge' | 'unknown' | 'signature' | 'counter';
  /** Whose passkey it is, where that is known. */
  readonly userId: string | undefined;
}

/** What a person has besides a password. */
export interface FactorList {
  readonly totp: TotpFactor | undefined;
  /** Oldest first. */
  readonly passkeys: readonly Passkey[];
  readonly recoveryCodesLeft: number;
}

/**
 * Why a factor is not removed: an organization asks for one, the password is too short to stand alone (NIST SP
 * 800-63B-4 §3.1.1.2), or nothing else would open the account.
 */
export type Removal =
  | { readonly kind: 'removed' }
  | { readonly kind: 'unknown' | 'only-way-in' | 'short-password' }
  /** Nobody knows how long the password is; signing in with it tells. */
  | { readonly kind: 'perhaps-short-password' }
  | { readonly kind: 'required'; readonly organizations: readonly string[] };

/** RFC 8176 §2, of a time-based code; a recovery code is one that is used once as well. */
export const CODE_METHODS = ['otp'] as const;

/** RFC 8176 §2: a key that a provider copies to several devices is in software. */
export function passkeyMethods({ synced }: Pick<Passkey, 'synced'>): readonly string[] {
  return [synced ? 'swk' : 'hwk'];
}

/** What several proofs amount to, in the order in which they were given (RFC 8176 §2, `mfa`). */
export function severalFactors(first: readonly string[], second: readonly string[]): string[] {
  return [...new Set([...first, ...second].filter((method) => method !== 'mfa')), 'mfa'];
}

const LONGEST_NAME = 60;

/** The name of a passkey as it is kept; undefined when it is none. */
export function readFactorName(text: string): string | undefined {
  const name = text.normalize('NFC').trim();
  const fits = name !== '' && [...name].length <= LONGEST_NAME;
  return fits && !/[\p{Cc}\p{Cs}]/u.test(name) ? name : undefined;
}
