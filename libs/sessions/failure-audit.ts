import { Injectable } from '@nestjs/common';
import { Clock } from '#platform';
import { PasskeyRepository } from './factors/passkey.repository.js';
import type { PasskeyRefusal } from './factors/factor.js';
import type { Attempt } from './lockout.js';
import { LockoutRepository } from './lockout.repository.js';

const WINDOW = 60_000;
/** Rows that one node writes in a minute. */
const MOST_ROWS = 600;

/**
 * Every password that was looked at and found wrong is a row of the audit, and every passkey that was refused to sign
 * somebody in. The delays bound how many there are of an account or from a network, and tries that a delay turned away
 * are none; the rate limit bounds the others. Of a flood from many networks at once a node writes no more than 600 rows
 * a minute: the next one says how many were left out.
 */
@Injectable()
export class FailureAudit {
  private windowEnds = 0;
  private rows = 0;
  private unwritten = 0;

  constructor(
    private readonly lockout: LockoutRepository,
    private readonly passkeys: PasskeyRepository,
    private readonly clock: Clock,
  ) {}

  async note(attempt: Attempt, address: string): Promise<void> {
    const unwritten = this.turn();
    if (unwritten !== undefined) await this.lockout.auditFailure(attempt, address, unwritten);
  }

  async notePasskey(refusal: PasskeyRefusal, address: string): Promise<void> {
    const unwritten = this.turn();
    if (unwritten !== undefined) await this.passkeys.auditRefusal(refusal, address, unwritten);
  }

  /** @returns how many were left out before this row; undefined when it is left out itself */
  private turn(): number | undefined {
    const now = this.clock.now().getTime();
    if (now >= this.windowEnds) {
      this.windowEnds = now + WINDOW;
      this.rows = 0;
    }
    if (this.rows >= MOST_ROWS) {
      this.unwritten += 1;
      return undefined;
    }
    this.rows += 1;
    const { unwritten } = this;
    this.unwritten = 0;
    return unwritten;
  }
}
