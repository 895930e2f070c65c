import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { PublicError, Semaphore } from '#platform';
import { normalizePassword } from './password-policy.js';

/** OWASP Password Storage Cheat Sheet: argon2id (the package's default algorithm), 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const encodedCost = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$`;

/** Waiting behind this many hashes per core takes about half a second; more is answered with 503 at once. */
const waitingPerCore = 64;

/** Results that are handed over at once while as many others wait. */
const largestGroup = 16;

/** Longer texts are never a password of ours, and are not worth normalizing. */
const longestWorthHashing = 1024;

/** Hashes and verifies passwords, no more at once than there are cores. */
@Injectable()
export class PasswordHasher {
  private readonly semaphore = new Semaphore(availableParallelism());
  private readonly capacity = availableParallelism() * waitingPerCore;
  /** Who is told next that their hash is done. */
  private readonly held: (() => void)[] = [];
  /** Nobody's hash at the same cost: random in place of a digest, so that no password matches it. */
  private readonly nobody = encodedCost + [16, 32].map(unpaddedRandom).join('$');

  /** A hasher that runs `concurrency` hashes at once and lets `capacity` wait, whatever the machine has. */
  static limitedTo(limits: { readonly concurrency: number; readonly capacity: number }): PasswordHasher {
    const semaphore = new Semaphore(limits.concurrency);
    return Object.assign(new PasswordHasher(), { semaphore, capacity: limits.capacity });
  }

  /** @throws PublicError 503 when too many are waiting */
  hash(password: string): Promise<string> {
    return this.enqueue(() => hash(normalizePassword(password), cost));
  }

  /**
   * Whether the password gave this hash. Without a hash (an unknown account) it takes as long and says no.
   * @throws PublicError 503 when too many are waiting
   */
  async verify(password: string, encoded: string | undefined): Promise<boolean> {
    const possible = encoded !== undefined && password.length <= longestWorthHashing;
    const presented = normalizePassword(password.slice(0, longestWorthHashing));
    const matches = await this.enqueue(() => verify(possible ? encoded : this.nobody, presented));
    return possible && matches;
  }

  /** Whether the hash was made at another cost than today's; replace it at the next successful sign-in. */
  needsRehash(encoded: string): boolean {
    return !encoded.startsWith(encodedCost);
  }

  private async enqueue<T>(task: () => Promise<T>): Promise<T> {
    if (this.semaphore.waiting >= this.capacity) {
      throw new PublicError(
        503,
        'temporarily_unavailable',
        'Too many people are signing in at this moment. Please try again in a few seconds.',
        { reason: 'the queue of password hashes is full', headers: { 'retry-after': '2' } },
      );
    }
    try {
      return await this.semaphore.run(task);
    } finally {
      await this.group();
    }
  }

  /**
   * Results are held until there are as many of them as others wait for theirs, and no longer. A hash leaves nothing of
   * ours in the caches, so that what follows one costs several times what it costs right after its like.
   */
  private group(): Promise<void> {
    return new Promise((resolve) => {
      this.held.push(resolve);
      if (this.held.length < Math.min(largestGroup, this.semaphore.waiting)) return;
      for (const release of this.held.splice(0)) release();
    });
  }
}

function unpaddedRandom(bytes: number): string {
  return randomBytes(bytes).toString('base64').replace(/=+$/, '');
}
