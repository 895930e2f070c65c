import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatUserCode, newUserCode, readUserCode } from './user-code.js';

const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const userCode = fc
  .array(fc.constantFrom(...ALPHABET), { minLength: 8, maxLength: 8 })
  .map((letters) => letters.join(''));

describe('user codes (RFC 8628 §6.1)', () => {
  it('a new code has 8 characters of the 20 that spell no word, and uses each of them about as often', () => {
    const counts = new Map<string, number>();
    const rounds = 5000;
    for (let round = 0; round < rounds; round += 1) {
      const code = newUserCode();
      expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/);
      for (const letter of code) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    const expected = (rounds * 8) / ALPHABET.length;
    expect([...counts.keys()].sort().join('')).toBe(ALPHABET);
    for (const count of counts.values()) expect(Math.abs(count - expected) / expected).toBeLessThan(0.15);
  });

  it('is shown as XXXX-XXXX and read back', () => {
    fc.assert(
      fc.property(userCode, (code) => {
        expect(formatUserCode(code)).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
        expect(readUserCode(formatUserCode(code))).toBe(code);
      }),
    );
  });

  it('may be typed in any case, with spaces, dashes or dots anywhere', () => {
    const separator = fc.constantFrom('', '', '-', ' ', '–', '.', '\t');
    const typed = fc
      .tuple(userCode, fc.array(fc.tuple(fc.boolean(), separator), { minLength: 8, maxLength: 8 }))
      .map(([code, habits]) => ({
        code,
        text: [...code]
          .map((letter, index) => {
            const [lower, after] = habits[index] ?? [false, ''];
            return (lower ? letter.toLowerCase() : letter) + after;
          })
          .join(''),
      }));
    fc.assert(fc.property(typed, ({ code, text }) => expect(readUserCode(text)).toBe(code)));
  });

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['seven characters', 'BCDF-GHJ'],
    ['nine characters', 'BCDF-GHJKL'],
    ['a vowel', 'BCDF-GHJA'],
    ['a digit', 'BCDF-GHJ1'],
    ['letters that only look alike', 'ВСDF-GHJK'],
    ['a letter that becomes an S when it is raised', 'BCDF-GHJſ'],
    ['a letter that becomes two', 'BCDF-GHß'],
    ['a null character', 'BCDF-GHJK\0'],
    ['64 KiB', 'B'.repeat(65_536)],
  ])('%s is no code', (_, text) => {
    expect(readUserCode(text)).toBeUndefined();
  });

  it('no text is read as anything but a code', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        expect(readUserCode(text) ?? 'BBBBBBBB').toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/);
      }),
      { numRuns: 500 },
    );
  });
});
