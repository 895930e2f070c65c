import { describe, expect, it } from '@jest/globals';
import { csvLine } from './usage-report.js';

describe('csvLine', () => {
  it('RFC 4180 §2: ends each record with CRLF, and quotes commas, quotes and line breaks', () => {
    expect(csvLine(['a', '', '7'])).toBe('a,,7\r\n');
    expect(csvLine(['a,b', 'say "x"', 'two\nlines', 'cr\r'])).toBe(
      '"a,b","say ""x""","two\nlines","cr\r"\r\n',
    );
  });
});
