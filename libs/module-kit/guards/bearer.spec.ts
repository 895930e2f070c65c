import { describe, expect, it } from '@jest/globals';
import { bearerChallenge, readCredential } from './bearer.js';

describe('a credential', () => {
  it.each([
    ['Bearer abc.def-_~+/=', { scheme: 'Bearer', token: 'abc.def-_~+/=' }],
    ['bearer abc', { scheme: 'Bearer', token: 'abc' }],
    ['DPoP abc', { scheme: 'DPoP', token: 'abc' }],
    ['dpop  abc', { scheme: 'DPoP', token: 'abc' }],
    ['DPoP', 'malformed'],
    ['DPoP a b', 'malformed'],
    ['DPoPabc', undefined],
    ['Basic abc', undefined],
    [undefined, undefined],
    ['Bearer', 'malformed'],
    ['Bearer ', 'malformed'],
    ['Bearer a b', 'malformed'],
    ['Bearer a,b', 'malformed'],
  ])('RFC 6750 §2.1, RFC 9449 §7.1: %s', (header, wanted) => {
    expect(readCredential(header)).toEqual(wanted);
  });
});

describe('a challenge', () => {
  it('RFC 6750 §3: has its attributes quoted, and nothing that could end the quotes', () => {
    expect(
      bearerChallenge({
        metadataUrl: 'https://m.example/x',
        error: 'invalid_token',
        description: 'a "b"\\\r\nc',
      }),
    ).toBe('Bearer error="invalid_token", error_description="a bc", resource_metadata="https://m.example/x"');
  });
});
