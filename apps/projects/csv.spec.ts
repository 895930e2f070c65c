import { describe, expect, it } from '@jest/globals';
import { toCsv } from './csv.js';

describe('CSV', () => {
  it('quotes every cell and doubles the quotes in it (RFC 4180)', () => {
    expect(
      toCsv([
        ['Name', 'a "b", c'],
        ['', 'two\r\nlines'],
      ]),
    ).toBe('"Name","a ""b"", c"\r\n"","two\r\nlines"\r\n');
  });

  it.each(['=1+1', '+1', '-1', '@a', '\ta', '\ra', '\na', '＝1', '＋1', '－1', '＠a', ' =1', '\u200b=1'])(
    'puts an apostrophe before what a spreadsheet may take for a formula: %j',
    (text) => {
      expect(toCsv([[text]])).toBe(`"'${text}"\r\n`);
    },
  );

  it.each(['a=1', '1-2', 'a@b', 'Résumé', ''])('leaves other text as it is: %j', (text) => {
    expect(toCsv([[text]])).toBe(`"${text}"\r\n`);
  });
});
