import { Injectable } from '@nestjs/common';
import { AccountRepository, normalizeEmail, PasswordHasher, standsAlone, type User } from '#accounts';
import { Clock, sha256 } from '#platform';
import { Passkeys } from './factors/passkeys.js';
import { PendingSignInRepository, type PendingSignIn } from './factors/pending-sign-in.repository.js';
import { SecondFactor, type PresentedFactor } from './factors/second-factor.js';
import { FailureAudit } from './failure-audit.js';
import { knownDevice, KnownDevices, type Browser, type KnownDevice } from './known-devices.js';
import type { Attempt } from './lockout.js';
import { LockoutRepository } from './lockout.repository.js';
import { SessionRepository } from './session.repository.js';

/** The browser in which somebody signs in. */
export interface SignInBrowser extends Browser {
  /** What a limit counts for `address`. */
  readonly network: string;
  /** The secret that the browser's session cookie holds already. */
  readonly currentSecret?: string | undefined;
}

export interface SignInTry extends SignInBrowser {
  readonly email: string;
  readonly password: string;
}

export interface SignedIn {
  readonly kind: 'signed-in';
  /** For the session's cookie. */
  readonly secret: string;
  /** For the cookie by which the browser is known from now on. */
  readonly deviceSecret: string;
}

interface Locked {
  readonly kind: 'locked';
  readonly until: Date;
}

export type SignInResult =
  | SignedIn
  /** `secret`: for the cookie of the sign-in that waits for the second factor */
  | { readonly kind: 'second-factor'; readonly secret: string }
  | { readonly kind: 'refused' }
  /** `byMail`: the owner of the account, if there is one, gets a link that ends the delay. */
  | (Locked & { readonly byMail: boolean });

export type SecondStepResult =
  | SignedIn
  | { readonly kind: 'wrong' }
  /** The password has to be given again. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'closed' }
  | Locked;

/** Sign-in by password, by password and a second factor, or by a passkey alone. */
@Injectable()
export class SignIn {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly passwords: PasswordHasher,
    private readonly lockout: LockoutRepository,
    private readonly failures: FailureAudit,
    private readonly devices: KnownDevices,
    private readonly secondFactor: SecondFactor,
    private readonly passkeys: Passkeys,
    private readonly pending: PendingSignInRepository,
    private readonly sessions: SessionRepository,
    private readonly clock: Clock,
  ) {}

  /** An unknown address costs and answers the same as a wrong password. */
  async withPassword({ password, ...given }: SignInTry): Promise<SignInResult> {
    // PostgreSQL takes no NUL, and no address has one
    const email = normalizeEmail(given.email).replaceAll('\0', '\ufffd');
    const askedAt = this.clock.now();
    const { network, deviceSecrets } = given;
    const begun = await this.lockout.beginSignIn(email, network, deviceSecrets.map(sha256));
    if (begun.delay) return { kind: 'locked', ...begun.delay };

    const { account } = begun;
    const device = begun.device && knownDevice(begun.device, deviceSecrets);
    const attempt = { email, network, userId: account?.id, deviceId: begun.device?.id };
    const right = await this.verify(attempt, password, account?.passwordHash);
    if (!account?.passwordHash || !right || account.disabledAt) {
      await this.failures.note(attempt, given.address);
      return { kind: 'refused' };
    }
    const { passwordHash } = account;
    if (!account.passwordLengthKnown) {
      await this.accounts.notePasswordLength(account.id, passwordHash, !standsAlone(password));
    }
    if (this.passwords.needsRehash(passwordHash)) {
      const stronger = await this.passwords.hash(password);
      await this.accounts.upgradePasswordHash(account.id, passwordHash, stronger);
    }
    const amr = ['pwd'];
    const { hasSecondFactor } = account;
    if (hasSecondFactor && !(await this.devices.remembersFactor(account.id, deviceSecrets))) {
      await this.lockout.succeeded(attempt);
      return {
        kind: 'second-factor',
        secret: await this.pending.start(account.id, amr, given.address, askedAt),
      };
    }
    // at a known device the session's statement forgets them
    if (!device) await this.lockout.succeeded(attempt);
    return this.startAt(device, account, amr, given, askedAt);
  }

  /**
   * The second step: the pending sign-in becomes one session at most.
   * @param remember whether this browser is to stand for the factor from now on
   */
  async withSecondFactor(
    pending: PendingSignIn,
    presented: PresentedFactor,
    { remember, ...browser }: SignInBrowser & { readonly remember: boolean },
  ): Promise<SecondStepResult> {
    if (!(await this.pending.count(pending))) return { kind: 'ended' };
    const { address } = browser;
    const proof = await this.secondFactor.prove({ ...pending, address }, presented);
    if (proof.kind !== 'proven') return proof;
    const person = await this.accounts.userById(pending.userId);
    if (!person || !(await this.pending.end(pending))) return { kind: 'ended' };
    const signedIn = await this.start(person, proof.amr, browser, pending.askedAt);
    if (remember) {
      const by = { id: person.id, address, factor: proof.amr.join(' ') };
      await this.devices.rememberFactor(person.id, signedIn.deviceSecret, by);
    }
    return signedIn;
  }

  /** By a passkey alone, which verifies its user. @returns undefined when it is refused */
  async withPasskey(
    presented: { readonly response: string; readonly browser: Buffer },
    browser: SignInBrowser,
  ): Promise<SignedIn | undefined> {
    const { address } = browser;
    const proof = await this.passkeys.prove({ ...presented, address }, null);
    if (proof.kind === 'refused') {
      await this.failures.notePasskey(proof, address);
      return undefined;
    }
    const person = await this.accounts.userById(proof.owner.userId);
    return person && this.start(person, proof.methods, browser);
  }

  /** @throws PublicError 503 when too many are waiting; the try does not count then */
  private async verify(attempt: Attempt, password: string, hash: string | undefined): Promise<boolean> {
    try {
      return await this.passwords.verify(password, hash);
    } catch (error) {
      await this.lockout.takeBack(attempt);
      throw error;
    }
  }

  /** For who has proven to be this person, by these methods (RFC 8176). */
  async start(
    person: User,
    amr: readonly string[],
    browser: SignInBrowser,
    authTime?: Date,
  ): Promise<SignedIn> {
    const known = await this.devices.find(person.id, browser.deviceSecrets);
    return this.startAt(known, person, amr, browser, authTime);
  }

  /** Everyone who is signed in came through here. @param known the device that the browser is */
  private async startAt(
    known: KnownDevice | undefined,
    person: User,
    amr: readonly string[],
    browser: SignInBrowser,
    authTime?: Date,
  ): Promise<SignedIn> {
    const { userAgent, address, currentSecret } = browser;
    const session = {
      ...{ userId: person.id, amr, userAgent, address, currentSecret },
      ...(authTime && { authTime }),
    };
    const kind = 'signed-in';
    const firstSeenAt = authTime ?? this.clock.now();
    if (!known) {
      const deviceSecret = await this.devices.add(person, browser, known, firstSeenAt);
      return { kind, secret: await this.sessions.start(session), deviceSecret };
    }
    const started = await this.sessions.startAtKnownDevice(session, known.id);
    const deviceSecret = started.known
      ? known.secret
      : await this.devices.add(person, browser, known, firstSeenAt);
    return { kind, secret: started.secret, deviceSecret };
  }
}
