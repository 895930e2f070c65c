import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isServerScope, moduleOfScope, requestedScopes } from './scope.js';

const ALLOWED = ['openid', 'profile', 'projects:read', 'projects:write'];

describe('scopes (RFC 6749 §3.3)', () => {
  it('what is asked for is given, in order and once, when all of it is allowed', () => {
    expect(requestedScopes('projects:read openid projects:read', ALLOWED)).toEqual([
      'projects:read',
      'openid',
    ]);
    expect(requestedScopes('  openid   profile ', ALLOWED)).toEqual(['openid', 'profile']);
  });

  it('without the parameter all that is allowed is meant', () => {
    expect(requestedScopes(undefined, ALLOWED)).toEqual(ALLOWED);
  });

  it('never more than is allowed, whatever is asked for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...ALLOWED, 'admin', 'OPENID', 'projects:'), fc.string())),
        (asked) => {
          try {
            const given = requestedScopes(asked.join(' '), ALLOWED);
            expect(given.every((scope) => ALLOWED.includes(scope))).toBe(true);
            expect(new Set(given).size).toBe(given.length);
            expect(given.length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toMatchObject({ status: 400, code: 'invalid_scope' });
          }
        },
      ),
    );
  });

  it.each([
    '',
    ' ',
    'openid unknown',
    'openid "x"',
    'openid\\',
    'openid\u00a0profile',
    'openid\tprofile',
    'é',
    'x'.repeat(129),
  ])('%j is invalid_scope', (asked) => {
    expect(() => requestedScopes(asked, [...ALLOWED, 'x'.repeat(129), 'é'])).toThrow(/^invalid_scope/);
  });

  it('no more than fifty are read', () => {
    const many = Array.from({ length: 51 }, (_, index) => `s${index}`);
    expect(() => requestedScopes(many.join(' '), many)).toThrow(/^invalid_scope/);
    expect(requestedScopes(many.slice(1).join(' '), many)).toHaveLength(50);
  });

  it('a scope names its module before the colon', () => {
    expect(['projects:read', 'a:b:c', 'openid', ':read'].map(moduleOfScope)).toEqual([
      'projects',
      'a',
      undefined,
      undefined,
    ]);
  });

  it('those of this server are told by what stands before the colon', () => {
    const scopes = ['licensing:read', 'readiness:read', 'licensing', 'projects:licensing:read', 'openid'];
    expect(scopes.filter(isServerScope)).toEqual(['licensing:read', 'readiness:read']);
  });
});
