import { Injectable } from '@nestjs/common';
import { AccountRepository, PasswordHasher } from '#accounts';
import type { Attempt } from './lockout.js';
import { LockoutRepository } from './lockout.repository.js';
import { PasswordRepository } from './password.repository.js';
import { actorOf, type SignedInPerson } from './session.js';

export type Confirmation =
  | {
      readonly kind: 'confirmed';
      /** That the password gave; undefined for who has none. */
      readonly passwordHash: string | undefined;
    }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'locked'; readonly until: Date };

/**
 * The password of who is signed in already, before an act that a stolen session must not do. Who has none, since they
 * sign in with passkeys, is asked for nothing: the recent sign-in that such an act needs was with one of these.
 */
@Injectable()
export class PasswordConfirmation {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly hasher: PasswordHasher,
    private readonly lockout: LockoutRepository,
    private readonly passwords: PasswordRepository,
  ) {}

  /** Whether there is a password to be asked for. */
  async asksPassword({ email }: SignedInPerson): Promise<boolean> {
    return (await this.accounts.findForSignIn(email))?.passwordHash !== undefined;
  }

  /** @param address the network address of the request */
  async confirm(person: SignedInPerson, password: string, address: string): Promise<Confirmation> {
    const { id, email, userId } = person;
    const account = await this.accounts.findForSignIn(email);
    if (account && account.passwordHash === undefined) return { kind: 'confirmed', passwordHash: undefined };
    // counted for this session alone: who stole it delays nobody else, and gets no other without the password
    const attempt = { email, network: address, userId, deviceId: id };
    const delay = await this.lockout.begin(attempt);
    if (delay) return { kind: 'locked', until: delay.until };
    if (
      account?.passwordHash === undefined ||
      !(await this.verify(attempt, password, account.passwordHash))
    ) {
      await this.passwords.noteWrong(actorOf(person, address));
      return { kind: 'wrong' };
    }
    await this.lockout.succeeded(attempt);
    return { kind: 'confirmed', passwordHash: account.passwordHash };
  }

  /** @throws PublicError 503 when too many are waiting; the try does not count then */
  private async verify(attempt: Attempt, password: string, hash: string): Promise<boolean> {
    try {
      return await this.hasher.verify(password, hash);
    } catch (error) {
      await this.lockout.takeBack(attempt);
      throw error;
    }
  }
}
