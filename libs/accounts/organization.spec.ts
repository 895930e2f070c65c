import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { organizationKeyOf, organizationKeyProblem } from './organization.js';

describe('the key of an organization', () => {
  it.each([
    ['Acme Corporation', 'acme-corporation'],
    ['  Łódź & Söhne GmbH ', 'odz-sohne-gmbh'],
    ['Straße 7', 'strasse-7'],
    ['3M', 'm'],
    ['株式会社', ''],
    ['-- --', ''],
  ])('of %j is derived as %j', (name, key) => {
    expect(organizationKeyOf(name)).toBe(key);
  });

  it('that is derived is well formed or empty, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        const key = organizationKeyOf(name);
        expect(key === '' || /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(key)).toBe(true);
        expect(organizationKeyOf(key)).toBe(key);
      }),
    );
  });

  it('is refused when it is malformed or one of ours', () => {
    expect(organizationKeyProblem('acme')).toBeUndefined();
    for (const key of ['', 'Acme', '1acme', 'a b', 'a'.repeat(64), 'acme\n', 'ac_me']) {
      expect(organizationKeyProblem(key)).toMatch(/^A key is made of/);
    }
    for (const key of ['admin', 'core-auth', 'new', 'support', 'readiness-probe-x']) {
      expect(organizationKeyProblem(key)).toBe(`The key “${key}” is reserved. Choose another.`);
    }
  });
});
