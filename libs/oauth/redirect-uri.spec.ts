import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matchesRedirectUri, redirectUriProblem } from './redirect-uri.js';

/** As a public client's, unless told otherwise. */
const matches = (
  presented: string,
  redirectUris: readonly string[],
  tokenEndpointAuthMethod: 'none' | 'client_secret_basic' = 'none',
) => matchesRedirectUri(presented, { redirectUris, tokenEndpointAuthMethod });

const REGISTERED = 'https://app.example/callback';

describe('redirect URIs', () => {
  it('RFC 9700 §2.1: what was registered matches, and nothing that differs from it in any character', () => {
    expect(matches(REGISTERED, ['https://other.example/', REGISTERED])).toBe(true);
    fc.assert(
      fc.property(
        fc.nat(REGISTERED.length),
        fc.nat(2),
        fc.string({ unit: 'binary', minLength: 0, maxLength: 12 }),
        (at, removed, added) => {
          const changed = REGISTERED.slice(0, at) + added + REGISTERED.slice(at + removed);
          expect(matches(changed, [REGISTERED])).toBe(changed === REGISTERED);
        },
      ),
    );
  });

  it('RFC 8252 §7.3: of a loopback redirection by http any port will do', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 81, max: 65_535 }),
        fc.constantFrom('127.0.0.1', '[::1]', 'localhost'),
        (port, host) => {
          expect(matches(`http://${host}:${port}/cb?a=1`, [`http://${host}/cb?a=1`])).toBe(true);
          expect(matches(`http://${host}:${port}/cb`, [`http://${host}:3000/cb`])).toBe(true);
        },
      ),
    );
  });

  it('RFC 8252 §7.3: a loopback redirection that differs in anything but its port does not match', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 81, max: 65_535 }),
        fc.constantFrom(
          (port: number) => `http://127.0.0.1:${port}/other`,
          (port: number) => `http://127.0.0.1:${port}/cb/`,
          (port: number) => `http://127.0.0.1:${port}/cb?x`,
          (port: number) => `http://127.0.0.1:${port}/cb#`,
          (port: number) => `http://127.0.0.1:${port}/./cb`,
          (port: number) => `http://127.0.0.1:0${port}/cb`,
          (port: number) => `http://127.0.0.1.:${port}/cb`,
          (port: number) => `http://2130706433:${port}/cb`,
          (port: number) => `http://127.0.0.1:${port}@evil.example/cb`,
          (port: number) => `http://user@127.0.0.1:${port}/cb`,
          (port: number) => `http://evil.example:${port}/cb`,
          (port: number) => `https://127.0.0.1:${port}/cb`,
          (port: number) => `http:\\\\127.0.0.1:${port}\\cb`,
          (port: number) => ` http://127.0.0.1:${port}/cb`,
        ),
        (port, lookAlike) => {
          expect(matches(lookAlike(port), ['http://127.0.0.1/cb'])).toBe(false);
        },
      ),
    );
  });

  it('no port may differ where the registered address is not loopback by http', () => {
    expect(matches('https://app.example:8443/callback', [REGISTERED])).toBe(false);
    expect(matches('https://localhost:8443/cb', ['https://localhost/cb'])).toBe(false);
    expect(matches('http://127.0.0.1:8080/cb', ['https://127.0.0.1/cb'])).toBe(false);
  });

  it('RFC 9700 §2.1: a confidential client is no native application, so its port may not differ either', () => {
    const method = 'client_secret_basic';
    expect(matches('http://127.0.0.1:51004/cb', ['http://127.0.0.1/cb'], method)).toBe(false);
    expect(matches('http://127.0.0.1/cb', ['http://127.0.0.1/cb'], method)).toBe(true);
  });

  it('no text makes it throw, and with nothing registered nothing matches', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(matches(text, [])).toBe(false)));
    fc.assert(fc.property(fc.webUrl(), (url) => expect(matches(url, ['not a url', REGISTERED])).toBe(false)));
  });

  it.each([
    ['callback', 'is not an absolute URI'],
    ['https://app.example/\ncb', 'holds characters that a URI cannot have, or too many'],
    ['https://bücher.example/cb', 'holds characters that a URI cannot have, or too many'],
    ['https://app.example/cb#x', 'must not have a fragment'],
    ['https://app.example/cb#', 'must not have a fragment'],
    ['https://*.example/cb', 'must not contain a wildcard'],
    ['https://user:pass@app.example/cb', 'must not contain user information'],
    ['http://app.example/cb', 'must be https, except on loopback'],
    ['http://127.0.0.2/cb', 'must be https, except on loopback'],
    ['javascript:alert(1)', 'has a forbidden scheme'],
    ['data:text/html,x', 'has a forbidden scheme'],
    ['file:///etc/passwd', 'has a forbidden scheme'],
  ])('RFC 9700 §2.1: %s cannot be registered, since it %s', (uri, problem) => {
    expect(redirectUriProblem(uri)).toBe(problem);
  });

  it.each([
    REGISTERED,
    'http://127.0.0.1/cb',
    'http://[::1]:8080/cb',
    'http://localhost:3001/cb',
    'com.example.app:/cb',
  ])('%s can be registered', (uri) => {
    expect(redirectUriProblem(uri)).toBeUndefined();
  });
});
