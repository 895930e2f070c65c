import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock, equalInConstantTime, numericDate } from '#platform';
import { KeyRing } from '#tokens';

/** Seconds: nonces of one step are alike. */
const STEP = 60;
/** Steps for which a nonce stays good after its own. */
const STEPS = 4;

/**
 * Nonces of RFC 9449 §8: `kid.step.MAC`, the MAC (HMAC-SHA-256) over the minute in which it was given. Nobody has to
 * remember one, every node of the deployment takes it, and it says how old a proof is whatever the client's clock does.
 */
@Injectable()
export class DpopNonces {
  constructor(
    private readonly keys: KeyRing,
    private readonly clock: Clock,
  ) {}

  /** One that is good from now on for STEPS to STEPS + 1 minutes. */
  issue(): string {
    const { kid, secret } = this.keys.macKey();
    const step = String(this.step());
    return `${kid}.${step}.${macOf(secret, step).toString('base64url')}`;
  }

  accepts(nonce: string): boolean {
    const [kid, step, mac, rest] = nonce.split('.');
    if (!kid || !step || !mac || rest !== undefined || !/^[1-9]\d{0,9}$/.test(step)) return false;
    const age = this.step() - Number(step);
    // another node's clock may be a step ahead
    if (age < -1 || age > STEPS) return false;
    const key = this.keys.macKeyById(kid);
    if (!key) {
      // refused; should this node have missed a key, the next try finds it
      void this.keys.readForUnknownKey();
      return false;
    }
    return equalInConstantTime(macOf(key.secret, step), Buffer.from(mac, 'base64url'));
  }

  private step(): number {
    return Math.floor(numericDate(this.clock.now()) / STEP);
  }
}

function macOf(secret: Buffer, step: string): Buffer {
  return createHmac('sha256', secret).update(`dpop_nonce|${step}`).digest();
}
