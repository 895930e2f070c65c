import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { emailProblem, isEmailAddress, normalizeEmail } from './email-address.js';

describe('e-mail addresses', () => {
  it('have one spelling: no outer space, small letters, composed characters, the domain as it is looked up', () => {
    expect(normalizeEmail('  Owner@ACME.example\n')).toBe('owner@acme.example');
    expect(normalizeEmail('rene\u0301@acme.example')).toBe('ren\u00e9@acme.example');
    expect(normalizeEmail('owner@BÜCHER.example')).toBe('owner@xn--bcher-kva.example');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.domain(), (local, domain) => {
        const once = normalizeEmail(`${local}@${domain}`);
        expect(normalizeEmail(once)).toBe(once);
      }),
    );
  });

  it.each([
    'owner@acme.example',
    'Owner+news@Acme.example',
    'rené@acme.example',
    'иван@acme.example',
    '田中tanaka@acme.example',
    'owner@bücher.example',
    'owner@пример.example',
    "o'neil@acme.example",
  ])('%s is one', (address) => {
    expect(emailProblem(address)).toBeUndefined();
  });

  it.each([
    '',
    'owner',
    'owner@',
    '@acme.example',
    'a b@acme.example',
    'owner@acme',
    'nul\0@acme.example',
    'owner@acme.example\r\nBcc: eve@evil.example',
    'owner@acme.example, eve@evil.example',
    'Owner <owner@acme.example>',
    '"owner"@acme.example',
    'ow\u200bner@acme.example',
    'ow\u202ener@acme.example',
    `${'a'.repeat(65)}@acme.example`,
  ])('%j is none', (address) => {
    expect(emailProblem(address)).toContain('is not an e-mail address');
    expect(isEmailAddress(address)).toBe(false);
  });

  it('none is longer than a mail server takes', () => {
    expect(emailProblem(`${'a'.repeat(400)}@acme.example`)).toContain('too long');
  });

  it.each(['оwner@acme.example', 'owner@аcme.example', 'ownεr@acme.example', 'ｏwner@acme.example'])(
    'UTS 39: %s is refused, since it looks like another',
    (address) => {
      expect(emailProblem(address)).toContain('look alike');
    },
  );

  it('what is far too long is not normalized, which would take long', () => {
    const padded = (length: number) =>
      `${' '.repeat(length - 'Owner@Acme.example'.length)}Owner@Acme.example`;
    expect(normalizeEmail(padded(1024))).toBe('owner@acme.example');
    expect(normalizeEmail(padded(1025))).toBe(padded(1025));
    expect(emailProblem(padded(1025))).toContain('too long');
  });
});
