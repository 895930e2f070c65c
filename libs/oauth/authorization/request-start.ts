import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, equalInConstantTime } from '#platform';
import { KeyRing } from '#tokens';

/** How long after its first coming a request may go on. */
const LONGEST_INTERACTION = 3600;

/**
 * When an authorization request first came, as its resumed address carries it. Whether the person has signed in,
 * chosen or consented *for this request* (`prompt`, `max_age`) is then seen from when they did, and nobody can leave
 * it out by rewriting the address.
 */
@Injectable()
export class RequestStart {
  constructor(
    private readonly keys: KeyRing,
    private readonly clock: Clock,
  ) {}

  /** @param parameters of the request, without this one */
  sign(parameters: URLSearchParams, start = this.clock.now()): string {
    const milliseconds = String(start.getTime());
    const key = this.keys.macKey();
    return `${key.kid}.${milliseconds}.${macOf(key.secret, milliseconds, parameters)}`;
  }

  /** @returns undefined when the text was not made for this request, or too long ago */
  read(text: string | undefined, parameters: URLSearchParams): Date | undefined {
    const [kid, milliseconds, mac] = text?.split('.') ?? [];
    const key = kid === undefined ? undefined : this.keys.macKeyById(kid);
    if (!key || milliseconds === undefined || mac === undefined) return undefined;
    const expected = macOf(key.secret, milliseconds, parameters);
    if (!equalInConstantTime(Buffer.from(expected), Buffer.from(mac))) return undefined;
    const start = new Date(Number(milliseconds));
    return addSeconds(start, LONGEST_INTERACTION) > this.clock.now() ? start : undefined;
  }
}

function macOf(secret: Buffer, milliseconds: string, parameters: URLSearchParams): string {
  return createHmac('sha256', secret)
    .update(`request-start|${milliseconds}|${parameters}`)
    .digest('base64url');
}
