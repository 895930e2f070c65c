import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { comparableUrl, DpopProofProblem, readDpopProof } from './dpop-proof.js';

describe('addresses as a proof names them (RFC 9449 §4.3)', () => {
  it.each([
    ['HTTPS://Auth.Example/oauth2/token', 'the case of scheme and host'],
    ['https://auth.example:443/oauth2/token', 'the default port'],
    ['https://auth.example/oauth2/./x/../token', 'dot segments'],
    ['https://auth.example/o%61uth2/%74oken', 'escaped letters'],
    ['https://auth.example/oauth2/token?a=b', 'the query'],
    ['https://auth.example/oauth2/token#a', 'the fragment'],
  ])('%s is the same address (RFC 3986 §6.2.2, §6.2.3: %s)', (text) => {
    expect(comparableUrl(text)).toBe('https://auth.example/oauth2/token');
  });

  it('escapes that stay are compared whatever their case', () => {
    expect(comparableUrl('https://auth.example/a%2fb')).toBe(comparableUrl('https://auth.example/a%2Fb'));
    expect(comparableUrl('https://auth.example/a%2fb')).not.toBe(comparableUrl('https://auth.example/a/b'));
  });

  it.each([
    'http://auth.example/oauth2/token',
    'https://auth.example:8443/oauth2/token',
    'https://auth.example.evil.example/oauth2/token',
    'https://auth.example@evil.example/oauth2/token',
    'https://someone@auth.example/oauth2/token',
    'https://auth.example/oauth2/token/',
    'https://auth.example/oauth2/Token',
    'https://auth.example//oauth2/token',
    'https:\\\\auth.example\\oauth2\\token',
    ' https://auth.example/oauth2/token',
    'https://auth.example/oauth2/to\tken',
    '//auth.example/oauth2/token',
    '/oauth2/token',
    '',
  ])('%j is another address, or none', (text) => {
    expect(comparableUrl(text)).not.toBe('https://auth.example/oauth2/token');
  });

  it('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl()), (text) => void comparableUrl(text)),
    );
  });
});

describe('a DPoP header that holds no proof', () => {
  const request = { method: 'POST', url: 'https://auth.example/', accessToken: undefined, now: new Date(0) };
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url');

  it('is refused with a sentence, whatever it is', async () => {
    const part = fc.oneof(fc.string(), fc.json(), fc.base64String());
    const header = fc.record(
      {
        alg: fc.constantFrom('ES256', 'PS256', 'EdDSA', 'none', 'HS256', 'toString'),
        typ: fc.constantFrom('dpop+jwt', 'JWT'),
        jwk: fc.oneof(
          fc.jsonValue(),
          fc.record(
            {
              kty: fc.constantFrom('EC', 'OKP', 'RSA', 'oct', '__proto__', 'constructor'),
              crv: fc.constantFrom('P-256', 'Ed25519', 'x'),
              x: fc.base64String(),
              y: fc.base64String(),
              n: fc.base64String(),
              e: fc.base64String(),
              k: fc.base64String(),
            },
            { requiredKeys: ['kty'] },
          ),
        ),
        crit: fc.jsonValue(),
        b64: fc.boolean(),
      },
      { requiredKeys: ['alg', 'typ', 'jwk'] },
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
      fc
        .tuple(header, fc.jsonValue(), fc.base64String())
        .map(([head, body, end]) =>
          [encoded(head), encoded(body), Buffer.from(end).toString('base64url') || 'AA'].join('.'),
        ),
    );
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        await expect(readDpopProof(value, request)).rejects.toBeInstanceOf(DpopProofProblem);
      }),
      { numRuns: 500 },
    );
  });
});
