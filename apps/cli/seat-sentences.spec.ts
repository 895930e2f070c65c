import { describe, expect, it } from '@jest/globals';
import { describeImport, describeResult, progressBar } from './seat-sentences.js';

const assigned = { line: 2, email: 'a@acme.example', outcome: 'assigned', licenseId: 'L' } as const;
const refused = {
  line: 3,
  email: 'b@acme.example',
  outcome: 'refused',
  licenseId: 'L',
  code: 'SEATS_EXHAUSTED',
  problem: 'All seats of this license are taken.',
} as const;

describe('what the seats command says', () => {
  it('fills the bar with what is done, and never more', () => {
    expect(progressBar(0, 4)).toBe(`[${' '.repeat(30)}]   0 % (0 of 4)`);
    expect(progressBar(1, 3)).toBe(`[${'#'.repeat(10)}${' '.repeat(20)}]  33 % (1 of 3)`);
    expect(progressBar(4, 4)).toBe(`[${'#'.repeat(30)}] 100 % (4 of 4)`);
    expect(progressBar(0, 0)).toContain('100 %');
  });

  it('tells a dry run from what was done', () => {
    expect(describeResult(assigned, true)).toBe('2  a@acme.example  would get a seat of L');
    expect(describeResult(assigned, false)).toBe('2  a@acme.example  got a seat of L');
    expect(describeResult(refused, false)).toBe(
      '3  b@acme.example  refused: All seats of this license are taken. (SEATS_EXHAUSTED)',
    );
    expect(describeImport([assigned, refused], true)).toBe(
      '1 would be assigned, 0 seated already, 1 would be refused. Nothing was changed.',
    );
    expect(describeImport([assigned, refused], false)).toBe('1 assigned, 0 seated already, 1 refused.');
  });
});
