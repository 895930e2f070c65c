import { Injectable } from '@nestjs/common';
import {
  AccountRepository,
  passwordChangedMail,
  PasswordHasher,
  PasswordRules,
  type PasswordUse,
} from '#accounts';
import { MailSealer } from '#platform';
import { FactorRepository } from './factors/factor.repository.js';
import { PasswordConfirmation, type Confirmation } from './password-confirmation.js';
import { PasswordRepository } from './password.repository.js';
import { actorOf, type Session } from './session.js';

export interface PasswordChangeForm {
  readonly current: string;
  readonly password: string;
}

export type PasswordChangeResult =
  /** `secret`: the session's, from now on. */
  | { readonly kind: 'changed'; readonly secret: string }
  | { readonly kind: 'refused'; readonly password: string }
  | { readonly kind: 'ended' }
  | Exclude<Confirmation, { kind: 'confirmed' }>;

/** A password that its owner changes, who knows the one before it. */
@Injectable()
export class PasswordChange {
  constructor(
    private readonly confirmation: PasswordConfirmation,
    private readonly accounts: AccountRepository,
    private readonly factors: FactorRepository,
    private readonly rules: PasswordRules,
    private readonly hasher: PasswordHasher,
    private readonly passwords: PasswordRepository,
    private readonly sealer: MailSealer,
  ) {}

  /** What a new password must have nothing to do with, and what stands beside it. */
  async use({ userId }: Session): Promise<PasswordUse> {
    return {
      about: await this.accounts.wordsAbout(userId),
      secondFactor: await this.factors.hasSecondFactor(userId),
    };
  }

  async change(
    session: Session,
    { current, password }: PasswordChangeForm,
    address: string,
  ): Promise<PasswordChangeResult> {
    const problem = await this.rules.problem(password, await this.use(session));
    if (problem !== undefined) return { kind: 'refused', password: problem };
    const confirmed = await this.confirmation.confirm(session, current, address);
    if (confirmed.kind !== 'confirmed') return confirmed;

    const secret = await this.passwords.changeOwn({
      session,
      from: confirmed.passwordHash,
      to: await this.hasher.hash(password),
      by: actorOf(session, address),
      notice: this.sealer.seal(passwordChangedMail(session.email)),
    });
    return secret === undefined ? { kind: 'ended' } : { kind: 'changed', secret };
  }
}
