import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addSeconds } from '#platform';
import {
  JWKS_MAX_AGE,
  LONGEST_TOKEN,
  RING_REREAD,
  signerAt,
  succession,
  verifiesAt,
  type KeyPurpose,
  type KeyTimes,
} from './key-lifecycle.js';

const START = new Date('2030-01-01T00:00:00Z');
const purposes = fc.constantFrom<KeyPurpose>('signing', 'mac', 'encryption', 'license');
/** Seconds from the moment at which a key signs to the publication of its successor: any number from 0 on. */
const rotations = fc.array(fc.nat(200_000), { maxLength: 12 });
const instant = fc.nat(2_000_000).map((seconds) => addSeconds(START, seconds));

interface Key extends KeyTimes {
  publishedAt: Date;
}

/** The keys, newest first, after these rotations. */
function rotated(purpose: KeyPurpose, pauses: readonly number[]): Key[] {
  const keys: Key[] = [{ number: 1, publishedAt: START, signsFrom: START, verifiesUntil: null }];
  for (const pause of pauses) {
    const [newest] = keys as [Key];
    const publishedAt = addSeconds(newest.signsFrom, pause);
    const { signsFrom, predecessorUntil } = succession(purpose, publishedAt);
    keys[0] = { ...newest, verifiesUntil: predecessorUntil };
    keys.unshift({ number: newest.number + 1, publishedAt, signsFrom, verifiesUntil: null });
  }
  return keys;
}

describe('the turns that keys take', () => {
  it('at every instant one key signs, and it is the newest that may', () => {
    fc.assert(
      fc.property(purposes, rotations, instant, (purpose, pauses, at) => {
        const keys = rotated(purpose, pauses);
        const signer = signerAt(keys, at);
        expect(signer?.signsFrom.getTime()).toBeLessThanOrEqual(at.getTime());
        expect(keys.filter((key) => key.signsFrom <= at && key.number > (signer?.number ?? 0))).toEqual([]);
      }),
    );
  });

  it('whatever is signed at any instant is verified as long as the longest token lives', () => {
    fc.assert(
      fc.property(purposes, rotations, instant, (purpose, pauses, at) => {
        const signer = signerAt(rotated(purpose, pauses), at) as Key;
        expect(verifiesAt(signer, addSeconds(at, LONGEST_TOKEN[purpose]))).toBe(true);
      }),
    );
  });

  it('a key signs only once every cache of the JWKS, of a node that missed the event too, has ended', () => {
    fc.assert(
      fc.property(rotations, instant, (pauses, at) => {
        const signer = signerAt(rotated('signing', pauses), at) as Key;
        const first = signer.number === 1;
        const known = addSeconds(signer.publishedAt, JWKS_MAX_AGE + RING_REREAD);
        expect(first || known < at).toBe(true);
      }),
    );
  });

  it('who signed at an instant is the same key, however many rotations have followed', () => {
    fc.assert(
      fc.property(purposes, rotations, rotations, fc.nat(), (purpose, before, after, seconds) => {
        const early = rotated(purpose, before);
        const [newest] = early as [Key];
        const at = addSeconds(START, seconds % ((newest.signsFrom.getTime() - START.getTime()) / 1000 + 1));
        expect(signerAt(rotated(purpose, [...before, ...after]), at)?.number).toBe(
          signerAt(early, at)?.number,
        );
      }),
    );
  });

  it('a node whose clock is behind that of the node that made the first keys signs with them all the same', () => {
    const [first] = rotated('mac', []);
    expect(signerAt(rotated('mac', []), addSeconds(START, -30))).toEqual(first);
  });
});
