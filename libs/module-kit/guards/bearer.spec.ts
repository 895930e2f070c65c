import { describe, expect, it } from '@jest/globals';
import { bearerChallenge, readBearer } from './bearer.js';

describe('a bearer credential', () => {
  it.each([
    ['Bearer abc.def-_~+/=', { token: 'abc.def-_~+/=' }],
    ['bearer abc', { token: 'abc' }],
    ['Basic abc', undefined],
    [undefined, undefined],
    ['Bearer', 'malformed'],
    ['Bearer ', 'malformed'],
    ['Bearer a b', 'malformed'],
    ['Bearer a,b', 'malformed'],
  ])('RFC 6750 §2.1: %s', (header, wanted) => {
    expect(readBearer(header)).toEqual(wanted);
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
