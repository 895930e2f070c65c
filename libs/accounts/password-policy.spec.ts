import { describe, expect, it } from '@jest/globals';
import { normalizePassword, passwordProblem } from './password-policy.js';

describe('NIST SP 800-63B-4 §3.1.1.2', () => {
  it('a password as the only factor has 15 to 128 characters', () => {
    expect(passwordProblem('a'.repeat(14))).toBe(
      'Choose a password of at least 15 characters; a few unrelated words make a good one.',
    );
    expect(passwordProblem('a'.repeat(15))).toBeUndefined();
    expect(passwordProblem('a'.repeat(128))).toBeUndefined();
    expect(passwordProblem('a'.repeat(129))).toBe('Choose a password of at most 128 characters.');
  });

  it('there are no rules of composition, and spaces count', () => {
    for (const password of ['               ', 'correct horse battery', '日'.repeat(15), '123456789012345']) {
      expect(passwordProblem(password)).toBeUndefined();
    }
  });

  it('a code point counts as one character, after composition', () => {
    expect(passwordProblem('😀'.repeat(14))).toBeDefined();
    expect(passwordProblem('😀'.repeat(15))).toBeUndefined();
    expect(passwordProblem('e\u0301'.repeat(14))).toBeDefined();
  });

  it('composed and decomposed characters are the same password', () => {
    expect(normalizePassword('caf\u0065\u0301')).toBe(normalizePassword('caf\u00e9'));
  });
});
