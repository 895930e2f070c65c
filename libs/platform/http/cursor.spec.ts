import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PublicError } from '#platform';
import { cursorOf, placeOf } from './cursor.js';

const ID = '0191f7c2-0000-7000-8000-0000000000aa';

describe('the cursor of a list', () => {
  it('brings any key and id back as they were, in letters that an address can hold', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 100 }).filter((key) => !key.includes('\0')),
        fc.uuid(),
        (key, id) => {
          const cursor = cursorOf({ key, id });
          expect(cursor).toMatch(/^[\w-]+$/);
          expect(placeOf(cursor)).toEqual({ key, id });
        },
      ),
    );
  });

  it('refuses what is none, with a sentence that says what to do', () => {
    const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const cursor of [
      ...['', 'x', '%00', ID, made(null), made({}), made([]), made(['a']), made(['a', 'b'])],
      ...[made([7, ID]), made(['a\0b', ID]), made(['a', `${ID}x`]), made(['a', [ID]])],
      cursorOf({ key: 'x'.repeat(2000), id: ID }),
    ]) {
      expect(() => placeOf(cursor)).toThrow(PublicError);
    }
    expect(() => placeOf(cursorOf({ key: 'Anna', id: ID }), /^\d+$/)).toThrow(/begin with the first/);
  });

  it('answers anything at all as a place or as a refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (cursor) => {
        try {
          expect(placeOf(cursor)).toEqual({ key: expect.any(String), id: expect.any(String) });
        } catch (error) {
          expect(error).toBeInstanceOf(PublicError);
        }
      }),
    );
  });
});
