import { Injectable } from '@nestjs/common';
import { Clock, Configuration, MailSealer } from '#platform';
import { isRead } from '../security-mails.js';
import { CODE_METHODS, severalFactors, type FactorOwner } from './factor.js';
import { wrongCodesMail } from './factor-mails.js';
import { FactorTriesRepository } from './factor-tries.repository.js';
import { Passkeys } from './passkeys.js';
import { readRecoveryCode } from './recovery-code.js';
import { RecoveryCodeRepository } from './recovery-code.repository.js';
import { matchingStep, readTotpCode } from './totp.js';
import { TotpRepository } from './totp.repository.js';

/** A factor as the second step's page sends it. */
export type PresentedFactor =
  | { readonly method: 'totp' | 'recovery-code'; readonly code: string }
  | { readonly method: 'passkey'; readonly response: string; readonly browser: Buffer };

/** Who presents it, and what they have proven so far (RFC 8176). */
export interface Presenter extends FactorOwner {
  readonly amr: readonly string[];
  readonly address: string;
}

export type Proof =
  /** `amr`: all that is proven now */
  | { readonly kind: 'proven'; readonly amr: readonly string[] }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'locked'; readonly until: Date }
  /** Too many codes of the app were wrong in a row: no more are looked at. */
  | { readonly kind: 'closed' };

/** The second factor of somebody who is known by a first one. */
@Injectable()
export class SecondFactor {
  constructor(
    private readonly tries: FactorTriesRepository,
    private readonly totp: TotpRepository,
    private readonly codes: RecoveryCodeRepository,
    private readonly passkeys: Passkeys,
    private readonly sealer: MailSealer,
    private readonly configuration: Configuration,
    private readonly clock: Clock,
  ) {}

  async prove(person: Presenter, presented: PresentedFactor): Promise<Proof> {
    const until = presented.method === 'totp' ? await this.tries.begin(person.userId) : undefined;
    if (until) return until === 'closed' ? { kind: 'closed' } : { kind: 'locked', until };
    const methods = await this.methodsOf(person, presented);
    if (!methods) {
      const by = { id: person.userId, address: person.address, factor: person.amr.join(' ') };
      await this.tries.failed(person.userId, presented.method, by);
      if (isRead(person.email)) {
        const notice = this.sealer.seal(wrongCodesMail(person, this.configuration.issuer));
        await this.tries.tell(person.userId, notice);
      }
      return { kind: 'wrong' };
    }
    await this.tries.clear(person.userId);
    return { kind: 'proven', amr: severalFactors(person.amr, methods) };
  }

  /** RFC 8176 §2; undefined when the factor was wrong. */
  private async methodsOf(
    person: Presenter,
    presented: PresentedFactor,
  ): Promise<readonly string[] | undefined> {
    const { userId, address } = person;
    switch (presented.method) {
      case 'totp':
        return (await this.useTotp(userId, presented.code)) ? CODE_METHODS : undefined;
      case 'recovery-code': {
        const code = readRecoveryCode(presented.code);
        const by = { id: userId, address, factor: [...person.amr, ...CODE_METHODS].join(' ') };
        return code !== undefined && (await this.codes.use(person, code, by)) ? CODE_METHODS : undefined;
      }
      case 'passkey':
        return this.usePasskey(presented, userId, address);
    }
  }

  private async usePasskey(
    presented: Extract<PresentedFactor, { method: 'passkey' }>,
    userId: string,
    address: string,
  ): Promise<readonly string[] | undefined> {
    const proof = await this.passkeys.prove({ ...presented, address }, userId);
    return proof.kind === 'proven' ? proof.methods : undefined;
  }

  private async useTotp(userId: string, typed: string): Promise<boolean> {
    const code = readTotpCode(typed);
    const app = code === undefined ? undefined : await this.totp.appOf(userId);
    if (!app || code === undefined) return false;
    const step = matchingStep(app.secret, code, this.clock.now());
    return step !== undefined && this.totp.use(app, step);
  }
}
