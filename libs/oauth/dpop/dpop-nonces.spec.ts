import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Clock } from '#platform';
import type { KeyRing } from '#tokens';
import { DpopNonces } from './dpop-nonces.js';

class StandingClock extends Clock {
  constructor(public seconds: number) {
    super();
  }
  override now(): Date {
    return new Date(this.seconds * 1000);
  }
}

const ringOf = (...keys: { kid: string; secret: Buffer }[]) =>
  ({
    macKey: () => keys[0],
    macKeyById: (kid: string) => keys.find((key) => key.kid === kid),
    readForUnknownKey: () => Promise.resolve(),
  }) as unknown as KeyRing;
const ours = { kid: 'now', secret: Buffer.alloc(32, 1) };
const START = 1_800_000_000;
const at = (seconds: number, ring = ringOf(ours)) => new DpopNonces(ring, new StandingClock(START + seconds));

describe('nonces (RFC 9449 §8)', () => {
  it('one is taken by every node with the key for four minutes at least and five at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: -60, max: 900 }), (given, later) => {
        const accepted = at(given + later).accepts(at(given).issue());
        if (later >= 0 && later <= 240) expect(accepted).toBe(true);
        if (later > 300) expect(accepted).toBe(false);
      }),
    );
  });

  it('one of another minute cannot be made of one that was given', () => {
    const [kid, step, mac] = at(0).issue().split('.');
    const nonces = at(60);
    expect(nonces.accepts([kid, step, mac].join('.'))).toBe(true);
    expect(nonces.accepts([kid, Number(step) + 1, mac].join('.'))).toBe(false);
  });

  it('one of another server, or under a key that is gone, is refused', () => {
    const theirs = { kid: 'now', secret: Buffer.alloc(32, 2) };
    expect(at(0).accepts(at(0, ringOf(theirs)).issue())).toBe(false);
    expect(at(0).accepts(at(0, ringOf({ ...ours, kid: 'old' })).issue())).toBe(false);
  });

  it('after a rotation those of the old key are still taken', () => {
    const fresh = { kid: 'next', secret: Buffer.alloc(32, 3) };
    expect(at(60, ringOf(fresh, ours)).accepts(at(0).issue())).toBe(true);
  });

  it('consists of the characters that a nonce may have (§8.1)', () => {
    expect(at(0).issue()).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
  });

  it('any other text is refused, and none makes it throw', () => {
    const parts = fc.array(fc.oneof(fc.constantFrom('now', '30000000', '', '-1', '__proto__'), fc.string()), {
      maxLength: 5,
    });
    fc.assert(fc.property(parts, (texts) => expect(at(0).accepts(texts.join('.'))).toBe(false)));
  });
});
