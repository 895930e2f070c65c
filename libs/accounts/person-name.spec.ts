import { describe, expect, it } from '@jest/globals';
import { nameProblem, normalizeName } from './person-name.js';

describe('the name of a person', () => {
  it.each([
    'Ada Lovelace',
    'O’Neil',
    'J.R.R. Tolkien',
    'J.R.Tolkien',
    'Dr. Ada',
    '田中',
    'علی‌رضا',
    'X Æ A-12',
  ])('%s is one', (name) => {
    expect(nameProblem(name)).toBeUndefined();
  });

  it.each([
    ['', 'Enter your name.'],
    [' \t ', 'Enter your name.'],
    ['\u200d', 'Enter your name.'],
    ['a'.repeat(101), 'at most 100'],
    ['nul\0', 'cannot be seen'],
    ['\u202eadA', 'cannot be seen'],
    ['\ud800', 'cannot be seen'],
    ['\u3164', 'Enter your name.'],
    ['https://evil.example', 'not as a name'],
    ['www.evil', 'not as a name'],
    ['visit evil.example now', 'not as a name'],
    ['Core Auth Support', 'the service itself'],
  ])('%j is none', (name, problem) => {
    expect(nameProblem(name)).toContain(problem);
  });

  it('has one spelling', () => {
    expect(normalizeName('  Rene\u0301 \n  Dupont ')).toBe('Ren\u00e9 Dupont');
  });

  it('is not normalized when it is far too long, which would take long', () => {
    const padded = (length: number) => `${' '.repeat(length - 4)}Nora`;
    expect(normalizeName(padded(1024))).toBe('Nora');
    expect(normalizeName(padded(1025))).toBe(padded(1025));
    expect(nameProblem(padded(1025))).toContain('at most 100');
  });
});
