import { Injectable } from '@nestjs/common';
import { AccountRepository, PasswordHasher } from '#accounts';
import type { Attempt } from './lockout.js';
import { LockoutRepository } from './lockout.repository.js';
import { PasswordRepository } from './password.repository.js';
import { actorOf, type Session } from './session.js';

export type Confirmation =
  | { readonly kind: 'confirmed'; /** That the password gave. */ readonly passwordHash: string }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'locked'; readonly until: Date };

/** The password of who is signed in already, before an act that a stolen session must not do. */
@Injectable()
export class PasswordConfirmation {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly hasher: PasswordHasher,
    private readonly lockout: LockoutRepository,
    private readonly passwords: PasswordRepository,
  ) {}

  /** @param address the network address of the request */
  async confirm(session: Session, password: string, address: string): Promise<Confirmation> {
    const { email, userId } = session;
    // counted for this session alone: who stole it delays nobody else, and gets no other without the password
    const attempt = { email, network: address, userId, deviceId: session.id };
    const delay = await this.lockout.begin(attempt);
    if (delay) return { kind: 'locked', until: delay.until };
    const account = await this.accounts.findForSignIn(email);
    if (
      account?.passwordHash === undefined ||
      !(await this.verify(attempt, password, account.passwordHash))
    ) {
      await this.passwords.noteWrong(actorOf(session, address));
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
