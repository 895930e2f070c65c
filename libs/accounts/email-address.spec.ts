import { describe, expect, it } from '@jest/globals';
import { isEmailAddress, normalizeEmail } from './email-address.js';

describe('e-mail addresses', () => {
  it('have one spelling: no outer space, small letters, composed characters', () => {
    expect(normalizeEmail('  Owner@ACME.example\n')).toBe('owner@acme.example');
    expect(normalizeEmail('rene\u0301@acme.example')).toBe('ren\u00e9@acme.example');
    expect(normalizeEmail(normalizeEmail('Owner@ACME.example'))).toBe('owner@acme.example');
  });

  it('are told from other texts', () => {
    expect(isEmailAddress('owner@acme.example')).toBe(true);
    for (const text of [
      '',
      'owner',
      'owner@',
      '@acme.example',
      'a b@acme.example',
      `${'a'.repeat(400)}@acme.example`,
    ]) {
      expect(isEmailAddress(text)).toBe(false);
    }
  });
});
