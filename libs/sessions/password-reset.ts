import { Injectable } from '@nestjs/common';
import {
  AccountRepository,
  MailedTokenRepository,
  noAccountMail,
  normalizeEmail,
  passwordChangedMail,
  PasswordHasher,
  PasswordRules,
  resetMail,
  standsAlone,
  type PasswordUse,
} from '#accounts';
import { Configuration, MailSealer, randomSecret } from '#platform';
import { EndedPassword } from './ended-password.js';
import { FactorRepository } from './factors/factor.repository.js';
import { LockoutRepository } from './lockout.repository.js';
import { PasswordRepository } from './password.repository.js';

export type ResetResult =
  | { readonly kind: 'reset' }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'refused'; readonly password: string };

/** A forgotten password is replaced by who reads the mailbox of the account. */
@Injectable()
export class PasswordResets {
  constructor(
    private readonly tokens: MailedTokenRepository,
    private readonly accounts: AccountRepository,
    private readonly rules: PasswordRules,
    private readonly hasher: PasswordHasher,
    private readonly passwords: PasswordRepository,
    private readonly ended: EndedPassword,
    private readonly lockout: LockoutRepository,
    private readonly factors: FactorRepository,
    private readonly sealer: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  /** Mails a link to the account of an address; where there is none, a mail that says so. */
  async begin(text: string, address: string): Promise<void> {
    const email = normalizeEmail(text);
    const secret = randomSecret();
    const mails = {
      known: this.sealer.seal(resetMail(email, this.configuration.issuer, secret)),
      unknown: this.sealer.seal(noAccountMail(email)),
    };
    await this.tokens.request({ purpose: 'reset-password', email, secret, mails, address });
  }

  /** What a new password by this link must have nothing to do with; undefined when the link no longer stands. */
  async pending(secret: string): Promise<{ userId: string; email: string; use: PasswordUse } | undefined> {
    const token = await this.tokens.find('reset-password', secret);
    const user = token?.userId ? await this.accounts.userById(token.userId) : undefined;
    if (!token || !user || user.disabledAt || user.email !== token.email) return undefined;
    const use = {
      about: await this.accounts.wordsAbout(user.id),
      secondFactor: await this.factors.hasSecondFactor(user.id),
    };
    return { userId: user.id, email: user.email, use };
  }

  /** Sets the password, and opens the account to whoever failed to sign in. What is refused leaves the link as it was. */
  async complete(secret: string, password: string, address: string): Promise<ResetResult> {
    const pending = await this.pending(secret);
    if (!pending) return { kind: 'invalid' };
    const problem =
      (await this.rules.problem(password, pending.use)) ??
      (await this.ended.problem(pending.userId, password));
    if (problem !== undefined) return { kind: 'refused', password: problem };

    const kept = { hash: await this.hasher.hash(password), standsAlone: standsAlone(password) };
    const notice = this.sealer.seal(passwordChangedMail(pending.email));
    const reset = await this.passwords.reset({ secret, password: kept, address, notice });
    if (!reset) return { kind: 'invalid' };
    await this.lockout.unlock(pending.userId, { id: pending.userId, address, factor: null });
    return { kind: 'reset' };
  }
}
