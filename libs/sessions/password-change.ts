import { Injectable } from '@nestjs/common';
import {
  AccountRepository,
  normalizePassword,
  passwordChangedMail,
  PasswordHasher,
  PasswordRules,
  standsAlone,
  type PasswordUse,
} from '#accounts';
import { MailSealer } from '#platform';
import { EndedPassword } from './ended-password.js';
import { FactorRepository } from './factors/factor.repository.js';
import { PasswordConfirmation, type Confirmation } from './password-confirmation.js';
import { PasswordRepository, type KeptPassword } from './password.repository.js';
import { actorOf, type Session, type SignedInPerson } from './session.js';

export interface PasswordChangeForm {
  readonly current: string;
  readonly password: string;
}

type NotChanged =
  | { readonly kind: 'refused'; readonly password: string }
  | { readonly kind: 'ended' }
  | Exclude<Confirmation, { kind: 'confirmed' }>;

/** `secret`: the session's, from now on. */
export type PasswordChangeResult = { readonly kind: 'changed'; readonly secret: string } | NotChanged;

interface Hashed {
  readonly kind: 'hashed';
  readonly from: string | undefined;
  readonly to: KeptPassword;
}

/** A password that its owner changes, who knows the one before it if there is one. */
@Injectable()
export class PasswordChange {
  constructor(
    private readonly confirmation: PasswordConfirmation,
    private readonly accounts: AccountRepository,
    private readonly factors: FactorRepository,
    private readonly rules: PasswordRules,
    private readonly hasher: PasswordHasher,
    private readonly passwords: PasswordRepository,
    private readonly ended: EndedPassword,
    private readonly sealer: MailSealer,
  ) {}

  /** What a new password must have nothing to do with, and what stands beside it. */
  async use({ userId }: SignedInPerson): Promise<PasswordUse> {
    return {
      about: await this.accounts.wordsAbout(userId),
      secondFactor: await this.factors.hasSecondFactor(userId),
    };
  }

  /** Whether there is one before it, which its owner has to know. */
  async asksCurrent(person: SignedInPerson): Promise<boolean> {
    return this.confirmation.asksPassword(person);
  }

  /** In a session, which goes on. */
  async change(session: Session, form: PasswordChangeForm, address: string): Promise<PasswordChangeResult> {
    const hashes = await this.hashes(session, form, address);
    if (hashes.kind !== 'hashed') return hashes;
    const secret = await this.passwords.changeOwn({ session, ...hashes, ...this.record(session, address) });
    return secret === undefined ? { kind: 'ended' } : { kind: 'changed', secret };
  }

  /**
   * By an application, which cannot give the browser of its session another secret: the session goes on with the one
   * that it has. No authorization does, the application's own included.
   * @param sessionId that goes on; none does when the application has offline access
   */
  async changeByApplication(
    person: SignedInPerson,
    sessionId: string | undefined,
    form: PasswordChangeForm,
    address: string,
  ): Promise<{ readonly kind: 'changed' } | NotChanged> {
    const hashes = await this.hashes(person, form, address);
    if (hashes.kind !== 'hashed') return hashes;
    const change = { sessionId, ...hashes, ...this.record(person, address) };
    return { kind: (await this.passwords.changeByApplication(change)) ? 'changed' : 'ended' };
  }

  private async hashes(
    person: SignedInPerson,
    { current, password }: PasswordChangeForm,
    address: string,
  ): Promise<Hashed | NotChanged> {
    const problem = await this.rules.problem(password, await this.use(person));
    if (problem !== undefined) return { kind: 'refused', password: problem };
    const confirmed = await this.confirmation.confirm(person, current, address);
    if (confirmed.kind !== 'confirmed') return confirmed;
    // only who has just given it is told what it is
    const known =
      confirmed.passwordHash === undefined
        ? await this.ended.problem(person.userId, password)
        : sameProblem(current, password);
    if (known !== undefined) return { kind: 'refused', password: known };
    const to = { hash: await this.hasher.hash(password), standsAlone: standsAlone(password) };
    return { kind: 'hashed', from: confirmed.passwordHash, to };
  }

  private record(person: SignedInPerson, address: string) {
    return {
      by: actorOf(person, address),
      notice: this.sealer.seal(passwordChangedMail(person.email)),
    };
  }
}

function sameProblem(current: string, password: string): string | undefined {
  const same = normalizePassword(current) === normalizePassword(password);
  return same ? 'This is the password that you have.' : undefined;
}
