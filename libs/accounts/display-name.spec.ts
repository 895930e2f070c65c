import { describe, expect, it } from '@jest/globals';
import { displayNameProblem } from './display-name.js';

describe('names of organizations and roles', () => {
  it('are of any script, from 1 to 100 characters', () => {
    for (const name of ['A', '株式会社アクメ', 'Łódź & Söhne', "O'Brien", '😀'.repeat(100)]) {
      expect(displayNameProblem(name)).toBeUndefined();
    }
    expect(displayNameProblem('   ')).toBe('Enter a name.');
    expect(displayNameProblem('a'.repeat(101))).toBe('A name has at most 100 characters.');
  });

  it('hold nothing by which they could pose as another', () => {
    for (const name of ['Ac\0me', 'Ac\u202eme', 'Ac\u2066me', 'Ac\ud800me']) {
      expect([name, displayNameProblem(name)]).toEqual([
        name,
        'A name is one line, without control characters.',
      ]);
    }
  });
});
