import { Injectable } from '@nestjs/common';
import type { JWK } from 'jose';
import { Clock, KeyEncryption } from '#platform';
import { openLicenseKey, type LicenseKey } from './key-generation.js';
import { signerAt, verifiesAt } from './key-lifecycle.js';
import { KeyRepository, type StoredKey } from './key.repository.js';

/**
 * The key that signs license files, in the server and from the command line alike. It is read and opened each time, so
 * that a key that has just been revoked signs nothing more anywhere: files are issued rarely, and live for months.
 */
@Injectable()
export class LicenseKeys {
  constructor(
    private readonly keys: KeyRepository,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
  ) {}

  /** Undefined before the first start of a server, which makes it. */
  async signer(): Promise<LicenseKey | undefined> {
    const stored = signerAt(await this.stored(), this.clock.now());
    return stored && openLicenseKey(stored, this.encryption);
  }

  /** The JWK Set (RFC 7517 §5) that instances verify with: those that sign, will sign, or have signed what still lives. */
  async publicKeys(): Promise<{ keys: JWK[] }> {
    return publicKeysAt(await this.stored(), this.clock.now());
  }

  private async stored(): Promise<StoredKey[]> {
    return (await this.keys.all()).filter(({ purpose }) => purpose === 'license');
  }
}

export function publicKeysAt(stored: readonly StoredKey[], now: Date): { keys: JWK[] } {
  return {
    keys: stored.flatMap((key) => (key.publicJwk && verifiesAt(key, now) ? [key.publicJwk] : [])),
  };
}
