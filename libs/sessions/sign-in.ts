import { Injectable } from '@nestjs/common';
import { AccountRepository, isEmailAddress, normalizeEmail, PasswordHasher } from '#accounts';
import { LockoutRepository } from './lockout.repository.js';
import { SessionRepository } from './session.repository.js';

export interface SignInTry {
  readonly email: string;
  readonly password: string;
  readonly userAgent: string;
  readonly address: string;
  /** The secret that the browser's cookie holds already. */
  readonly currentSecret?: string | undefined;
}

export type SignInResult =
  | { readonly kind: 'signed-in'; readonly secret: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'locked'; readonly until: Date };

/** Sign-in by e-mail address and password. An unknown address costs and answers the same as a wrong password. */
@Injectable()
export class SignIn {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly passwords: PasswordHasher,
    private readonly lockout: LockoutRepository,
    private readonly sessions: SessionRepository,
  ) {}

  async withPassword({
    email,
    password,
    userAgent,
    address,
    currentSecret,
  }: SignInTry): Promise<SignInResult> {
    const normalized = normalizeEmail(email);
    const lockedUntil = await this.lockout.begin(normalized);
    if (lockedUntil) return { kind: 'locked', until: lockedUntil };

    // what is no address has no account; PostgreSQL takes no NUL
    const account = isEmailAddress(normalized) ? await this.accounts.findForSignIn(normalized) : undefined;
    const right = await this.passwords.verify(password, account?.passwordHash);
    if (!account || !right || account.disabledAt) return { kind: 'refused' };

    await this.lockout.clear(normalized);
    if (this.passwords.needsRehash(account.passwordHash)) {
      const stronger = await this.passwords.hash(password);
      await this.accounts.upgradePasswordHash(account.id, account.passwordHash, stronger);
    }
    const secret = await this.sessions.start({
      userId: account.id,
      amr: ['pwd'],
      userAgent,
      address,
      currentSecret,
    });
    return { kind: 'signed-in', secret };
  }
}
