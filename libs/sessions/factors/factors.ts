import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import type { FactorOwner, Removal } from './factor.js';
import { FactorRepository } from './factor.repository.js';
import { PasskeyRepository } from './passkey.repository.js';
import { RecoveryCodeRepository } from './recovery-code.repository.js';
import { TotpRepository } from './totp.repository.js';

/** What people do with the factors that they have; who may is decided by whoever calls. */
@Injectable()
export class Factors {
  constructor(
    private readonly factors: FactorRepository,
    private readonly totp: TotpRepository,
    private readonly passkeys: PasskeyRepository,
    private readonly codes: RecoveryCodeRepository,
  ) {}

  async removeTotp(owner: FactorOwner, by: Actor): Promise<Removal> {
    return this.removal(owner, await this.totp.remove(owner, by));
  }

  async removePasskey(owner: FactorOwner, id: string, by: Actor): Promise<Removal> {
    return this.removal(owner, await this.passkeys.remove(owner, id, by));
  }

  /** @returns false when the person has no such passkey */
  async renamePasskey(owner: FactorOwner, id: string, name: string, by: Actor): Promise<boolean> {
    return this.passkeys.rename(owner, id, name, by);
  }

  /** @returns the new codes, which are shown this once; none for who has no factor that they could stand in for */
  async makeRecoveryCodes(owner: FactorOwner, by: Actor): Promise<readonly string[]> {
    return this.codes.replace(owner, by);
  }

  /** The codes that come with the first factor; none for who has some left. */
  async firstRecoveryCodes(owner: FactorOwner, by: Actor): Promise<readonly string[]> {
    return this.codes.first(owner, by);
  }

  private async removal(
    { userId }: FactorOwner,
    { there, removed }: { there: boolean; removed: boolean },
  ): Promise<Removal> {
    if (removed) return { kind: 'removed' };
    if (!there) return { kind: 'unknown' };
    const organizations = await this.factors.organizationsThatRequire(userId);
    if (organizations.length > 0) return { kind: 'required', organizations };
    const leans = await this.factors.leansOnLast(userId);
    if (leans === 'assumed') return { kind: 'perhaps-short-password' };
    return { kind: leans ? 'short-password' : 'only-way-in' };
  }
}
