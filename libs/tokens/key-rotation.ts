import { Injectable } from '@nestjs/common';
import { Clock, KeyEncryption } from '#platform';
import { generateKey } from './key-generation.js';
import { signerAt, succession, verifiesAt, type KeyKind } from './key-lifecycle.js';
import { KeyRepository, type StoredKey } from './key.repository.js';

export interface ListedKey extends StoredKey {
  readonly state: 'published' | 'signs' | 'verifies' | 'expired';
}

export type Rotation =
  /** `predecessorUntil`: until when what the present key has signed is verified */
  | {
      readonly published: true;
      readonly kid: string;
      readonly signsFrom: Date;
      readonly predecessorUntil: Date;
    }
  /** Another key has been published and does not sign yet; or there is no key of the kind at all. */
  | { readonly published: false; readonly waiting: ListedKey | undefined };

export type Revocation =
  | { readonly outcome: 'replaced'; readonly revoked: ListedKey; readonly successor: ListedKey }
  | { readonly outcome: 'deleted'; readonly revoked: ListedKey }
  | { readonly outcome: 'unknown' };

/** Publishes, lists and revokes keys, in the server and from the command line alike. */
@Injectable()
export class KeyRotation {
  constructor(
    private readonly keys: KeyRepository,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
  ) {}

  /** Every key, of each kind the newest first. */
  async list(): Promise<ListedKey[]> {
    const now = this.clock.now();
    const all = await this.keys.all();
    return all.map((key) => {
      const signer = signerAt(
        all.filter((other) => other.algorithm === key.algorithm),
        now,
      );
      if (signer === key) return { ...key, state: 'signs' };
      if (key.signsFrom > now) return { ...key, state: 'published' };
      return { ...key, state: verifiesAt(key, now) ? 'verifies' : 'expired' };
    });
  }

  /**
   * Publishes the successor of the key of this kind that signs, unless another one has been published meanwhile.
   * @param signingSince rotates only a key that has signed since then; the present unless told
   */
  async rotate(kind: KeyKind, actor: string, signingSince?: Date): Promise<Rotation> {
    const key = await generateKey(kind, this.encryption);
    const now = this.clock.now();
    const times = succession(kind.purpose, now);
    if (await this.keys.publish(key, { now, ...times, signingSince: signingSince ?? now }, actor)) {
      return { published: true, kid: key.kid, ...times };
    }
    const waiting = (await this.list()).find((other) => other.algorithm === kind.algorithm);
    return { published: false, waiting };
  }

  /** From now on this key verifies nothing; where it signed, another one does. */
  async revoke(kid: string, actor: string): Promise<Revocation> {
    const revoked = (await this.list()).find((key) => key.kid === kid);
    if (!revoked) return { outcome: 'unknown' };
    const successor = await generateKey(revoked, this.encryption);
    const now = this.clock.now();
    const times = { now, ...succession(revoked.purpose, now) };
    const outcome = await this.keys.revoke(kid, successor, times, actor);
    if (outcome !== 'replaced') return outcome === 'deleted' ? { outcome, revoked } : { outcome };
    const stored = (await this.list()).find((key) => key.kid === successor.kid);
    return stored ? { outcome, revoked, successor: stored } : { outcome: 'unknown' };
  }

  /** @param limit keys at most */
  async prune(limit: number): Promise<void> {
    await this.keys.prune(this.clock.now(), limit);
  }
}
