import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isAfter, parseCursor } from './outbox-event.js';

const cursors = fc.record({
  transactionId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  id: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
});
const textOf = ({ transactionId, id }: { transactionId: bigint; id: bigint }) => `${transactionId}-${id}`;

describe('cursors of the outbox', () => {
  it('every transaction and row that PostgreSQL can name is read', () => {
    fc.assert(
      fc.property(cursors, (cursor) => {
        expect(parseCursor(textOf(cursor))).toEqual({
          transactionId: String(cursor.transactionId),
          id: String(cursor.id),
        });
      }),
    );
  });

  it('a later transaction is after an earlier one whatever the rows; within one the row decides, by number and not by text', () => {
    expect(isAfter('10-1', '9-9')).toBe(true);
    expect(isAfter('9-10', '9-9')).toBe(true);
    expect(isAfter('9-9', '9-9')).toBe(false);
  });

  it('it is a total order', () => {
    fc.assert(
      fc.property(cursors, cursors, cursors, (x, y, z) => {
        const [a, b, c] = [textOf(x), textOf(y), textOf(z)];
        expect(isAfter(a, b) && isAfter(b, a)).toBe(false);
        expect(isAfter(a, b) || isAfter(b, a)).toBe(a !== b);
        if (isAfter(a, b) && isAfter(b, c)) expect(isAfter(a, c)).toBe(true);
      }),
    );
  });

  it('what PostgreSQL would not take is no cursor', () => {
    for (const text of [
      '',
      '-',
      '1',
      '1-',
      '-1',
      '1-1-1',
      ' 1-1',
      '1-1\n',
      'a-b',
      '18446744073709551616-1',
      '1-9223372036854775808',
    ]) {
      expect(parseCursor(text)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (!/^\d+-\d+$/.test(text)) expect(parseCursor(text)).toBeUndefined();
      }),
    );
    expect(() => isAfter('x', '1-1')).toThrow();
  });
});
