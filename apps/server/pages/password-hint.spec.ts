import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { hintBelow, hintFacts, PASSWORD_HINT_SCRIPT, passwordHint } from './password-hint.js';

const facts = hintFacts({ about: ['mira.delgado@acme.example', 'Mira Delgado'] });

describe('the hint about a new password', () => {
  it.each([
    ['', 'At least 15 characters.'],
    ['seven words', 'Too short: 11 of at least 15 characters.'],
    ['😀😂😎', 'Too short: 3 of at least 15'],
    ['e\u0301'.repeat(3), 'Too short: 3 of at least 15'],
    ['x'.repeat(129), 'Too long'],
    ['abcabcabcabcabcabc', 'Weak: it is the same'],
    ['Delgado-MIRA-delgado', 'Weak: it is made of your name'],
    ['nineteen quiet pelicans', 'Long enough: 23 characters.'],
  ])('of %j begins with %j', (password, beginning) => {
    expect(passwordHint(password, facts)).toContain(beginning);
  });

  it('NIST SP 800-63B-4 §3.1.1.2: advises about characters that other keyboards lack, and about no others', () => {
    expect(passwordHint('nineteen quiet pelicans ~!', facts)).not.toContain('keyboard');
    expect(passwordHint('nineteen quiet pelicans €', facts)).toContain('keyboard');
  });

  it('below the sentence by which a password was refused says nothing that differs from it', () => {
    const refused = (password: string) => hintBelow('This password is among the first.', password, facts);
    expect(refused('passwordpassword')).toBe(passwordHint('', facts));
    expect(refused('qwertyuiopasdfgh')).toBe(passwordHint('', facts));
    expect(refused('seven words')).toContain('Too short: 11');
    expect(hintBelow(undefined, 'passwordpassword', facts)).toContain('Weak');
  });

  it('beside a second factor begins at 8', () => {
    expect(passwordHint('vj2QQ9xk', hintFacts({ secondFactor: true }))).toContain('Long enough');
  });

  it('is the same in a browser, where the script has nothing but the page', () => {
    const listeners: (() => void)[] = [];
    const field = (value: string) => ({
      value,
      addEventListener: (_: string, listener: () => void) => listeners.push(listener),
    });
    const elements: Record<string, object> = {
      'password-hint': { dataset: { facts: JSON.stringify(facts) }, textContent: '' },
      password: field('nora newcomer 1987'),
      name: field('Nora Newcomer'),
    };
    runInNewContext(PASSWORD_HINT_SCRIPT, {
      document: { getElementById: (id: string) => elements[id] ?? null },
    });
    for (const listener of listeners) listener();
    expect(elements['password-hint']).toMatchObject({
      textContent: expect.stringContaining('Weak: it is made of'),
    });
  });
});
