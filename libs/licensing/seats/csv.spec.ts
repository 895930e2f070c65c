import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CsvError, parseCsv } from './csv.js';

const rows = (text: string) => parseCsv(text).map(({ fields }) => fields);
const quote = (field: string) => `"${field.replaceAll('"', '""')}"`;

describe('reading CSV (RFC 4180)', () => {
  it('reads back what was written, whatever the fields hold and whichever line break is used', () => {
    const field = fc.string({ unit: fc.constantFrom('a', 'ö', '"', ',', '\n', '\r', ' ', '\u{1F600}') });
    fc.assert(
      fc.property(
        fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { minLength: 1 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        (table, lineBreak, last) => {
          const text =
            table.map((fields) => fields.map(quote).join(',')).join(lineBreak) + (last ? lineBreak : '');
          expect(rows(text)).toEqual(table);
        },
      ),
    );
  });

  it('reads plain fields as they stand, and says on which line each record begins', () => {
    expect(parseCsv('email,license\n\n"a\nb",x\r\nlast,\r\n')).toEqual([
      { line: 1, fields: ['email', 'license'] },
      { line: 3, fields: ['a\nb', 'x'] },
      { line: 5, fields: ['last', ''] },
    ]);
    expect(rows('')).toEqual([]);
  });

  it.each([
    ['a\n"b', 'Line 2: a quoted field does not end.'],
    ['a\nb"c', 'Line 2: "\\"" has no place here; a field that holds it is quoted.'],
    ['"a"b', 'Line 1: "b" has no place here; a field that holds it is quoted.'],
    ['a\rb', 'Line 1: "\\r" has no place here; a field that holds it is quoted.'],
  ])('refuses %j', (text, problem) => {
    expect(() => parseCsv(text)).toThrow(new CsvError(1, '').constructor);
    expect(() => parseCsv(text)).toThrow(problem);
  });

  it('never hangs and never fails with anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r') }), (text) => {
        try {
          parseCsv(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CsvError);
        }
      }),
    );
  });
});
