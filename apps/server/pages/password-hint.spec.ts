import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { hintFacts, PASSWORD_HINT_SCRIPT, passwordHint } from './password-hint.js';

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
