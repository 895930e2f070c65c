import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { normalizePassword, passwordProblem } from './password-policy.js';

const GOOD = ['correct horse battery staple', 'Ährenfeld unter 雲 im Mai', 'vj2-QQ9x pelican 7hx'];

describe('NIST SP 800-63B-4 §3.1.1.2', () => {
  it('a password as the only factor has 15 to 128 characters', () => {
    expect(passwordProblem('qwfpbgjluyarst')).toBe(
      'Choose a password of at least 15 characters; a few unrelated words make a good one.',
    );
    expect(passwordProblem('qwfpbgjluyarstd')).toBeUndefined();
    const long = 'vexing lanterns '.repeat(4) + 'under seventeen quiet pelicans '.repeat(3);
    expect(passwordProblem(long.slice(0, 128))).toBeUndefined();
    expect(passwordProblem(long.slice(0, 129))).toBe('Choose a password of at most 128 characters.');
  });

  it('one beside a second factor has 8', () => {
    expect(passwordProblem('vj2QQ9x', { secondFactor: true })).toContain('at least 8 characters');
    expect(passwordProblem('vj2QQ9xk', { secondFactor: true })).toBeUndefined();
  });

  it('there are no rules of composition, and spaces count', () => {
    for (const password of [...GOOD, 'only small letters here', '  3 1 4 1 5 9 2 6 8  ']) {
      expect([password, passwordProblem(password)]).toEqual([password, undefined]);
    }
  });

  it('a code point counts as one character, after composition', () => {
    const faces = '😀😂😎🤖👻🐙🦊🐼🦉🐝🌵🍄🍕🚲';
    expect(passwordProblem(faces)).toContain('at least 15');
    expect(passwordProblem(`${faces}🛶`)).toBeUndefined();
    expect(passwordProblem('e\u0301a\u0300o\u0302u\u0308i\u0301e\u0300a\u0302')).toContain('at least 15');
  });

  it('composed and decomposed characters are the same password', () => {
    expect(normalizePassword('caf\u0065\u0301')).toBe(normalizePassword('caf\u00e9'));
  });

  it.each([
    ['123456789012345', 'of the lists'],
    ['QwErTyUiOpAsDfGhJkL', 'of the lists, in other case'],
    ['ｑｗｅｒｔｙｕｉｏｐａｓｄｆｇｈｊｋｌ', 'of the lists, in wide letters'],
    ['password1234567!', 'of the lists, with digits after it'],
    ['***2024dragon2024***', 'of the lists, with digits and signs around it'],
    ['passwordpassword', 'of the lists, twice'],
    ['sunshinesunshinesunshine', 'of the lists, three times'],
    ['aaaaaaaaaaaaaaaa', 'one character'],
    ['xk4xk4xk4xk4xk4xk4', 'a few characters again and again'],
    ['                    ', 'nothing but spaces'],
  ])('%j is refused: it is %s', (password) => {
    expect(passwordProblem(password)).toContain('among the first that attackers try');
  });

  it.each([
    'mira.delgado-1987!',
    'Mira Delgado Acme 24',
    'acme-corporation-acme',
    'core-auth-core-auth',
    'CoreAuth-CoreAuth-1',
    'delgado-sunshine-99',
    'ＭＩＲＡ mira delgado',
  ])('%j is refused: its owner, the organization or the product stand in it', (password) => {
    const about = ['mira.delgado@acme.example', 'Mira Delgado', 'Acme Corporation'];
    expect(passwordProblem(password, { about })).toContain('made of your name');
  });

  it('such a word among enough others does no harm', () => {
    const about = ['mira.delgado@acme.example', 'Mira Delgado'];
    for (const password of [...GOOD, 'mira saw nineteen quiet pelicans']) {
      expect([password, passwordProblem(password, { about })]).toEqual([password, undefined]);
    }
  });

  it('whoever the owner is, the answer is one of five sentences and comes at once', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.array(fc.string({ maxLength: 50 }), { maxLength: 4 }),
        (password, about) => {
          const problem = passwordProblem(password, { about });
          expect(problem === undefined || /^(Choose a password of at|This password is)/.test(problem)).toBe(
            true,
          );
        },
      ),
    );
  });

  it('what is far too long is refused before it is normalized, which would take long', () => {
    const normalize = jest.spyOn(String.prototype, 'normalize');
    expect(passwordProblem('\ufdfa'.repeat(1025))).toContain('at most 128');
    expect(normalize).not.toHaveBeenCalled();
    expect(passwordProblem('\ufdfa'.repeat(1024))).toContain('at most 128');
    expect(normalize).toHaveBeenCalled();
    normalize.mockRestore();
  });
});
