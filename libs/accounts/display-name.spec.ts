import { describe, expect, it } from '@jest/globals';
import { displayNameProblem, organizationNameProblem } from './display-name.js';

describe('names of organizations and roles', () => {
  it('are of any script, from 1 to 100 characters', () => {
    for (const name of ['A', '株式会社アクメ', 'Łódź & Söhne', "O'Brien", '😀'.repeat(100)]) {
      expect(displayNameProblem(name)).toBeUndefined();
    }
    expect(displayNameProblem('   ')).toBe('Enter a name.');
    expect(displayNameProblem('a'.repeat(101))).toBe('A name has at most 100 characters.');
  });

  it('hold nothing by which they could pose as another', () => {
    for (const name of ['Ac\0me', 'Ac\u202eme', 'Ac\u2066me', 'Ac\ud800me', '\u200b', 'Ac\u200bme']) {
      expect([name, displayNameProblem(name)]).toEqual([
        name,
        'A name is one line, without control characters and others that cannot be seen.',
      ]);
    }
    for (const name of ['\u3164', '\u2800', '\u200d']) expect(displayNameProblem(name)).toBe('Enter a name.');
  });

  it('of organizations are no address and not the name of the service, which stand in mails to strangers', () => {
    for (const name of ['http://evil.example win', 'www.evil', 'Win at evil.example', 'xn--a.co'])
      expect([name, organizationNameProblem(name)]).toEqual([name, expect.stringContaining('address')]);
    for (const name of ['Core Auth', 'CORE-AUTH support', 'Ｃｏｒｅ Auth'])
      expect([name, organizationNameProblem(name)]).toEqual([name, expect.stringContaining('the service')]);
    for (const name of ['St. Gallen AG', 'A.B. Volvo', 'Acme Corp.', '3.14 Ltd', 'Core Values'])
      expect([name, organizationNameProblem(name)]).toEqual([name, undefined]);
    expect(displayNameProblem('booking.com')).toBeUndefined();
  });
});
