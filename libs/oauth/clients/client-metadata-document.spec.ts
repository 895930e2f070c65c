import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isClientIdentifierUrl } from './client-metadata-document.js';

describe('a Client Identifier URL (draft-ietf-oauth-client-id-metadata-document-02 §3)', () => {
  it.each([
    'https://app.example/client.json',
    'https://app.example:8443/client',
    'https://app.example:443/client',
    'https://app.example/client?version=2',
    'https://app.example/a/.well-known/...',
  ])('%s is one', (url) => expect(isClientIdentifierUrl(url, false)).toBe(true));

  it.each([
    ['another scheme', 'http://app.example/client'],
    ['another scheme', 'ftp://app.example/client'],
    ['no path', 'https://app.example'],
    ['no path but a query', 'https://app.example?client'],
    ['the bare path', 'https://app.example/'],
    ['a fragment', 'https://app.example/client#x'],
    ['an empty fragment', 'https://app.example/client#'],
    ['user information', 'https://user@app.example/client'],
    ['empty user information', 'https://@app.example/client'],
    ['a password', 'https://user:pw@app.example/client'],
    ['a single-dot segment', 'https://app.example/./client'],
    ['a double-dot segment', 'https://app.example/a/../client'],
    ['a double-dot segment at the end', 'https://app.example/a/..'],
    ['an encoded double-dot segment', 'https://app.example/a/%2E%2e/client'],
    ['a half encoded double-dot segment', 'https://app.example/a/.%2e/client'],
    ['a backslash', 'https://app.example\\@evil.example/client'],
    ['a line feed', 'https://app.example/cli\nent'],
    ['a space', 'https://app.example/cli ent'],
    ['letters beyond ASCII', 'https://äpp.example/client'],
    ['too many characters', `https://app.example/${'x'.repeat(512)}`],
    ['no URL', 'client'],
  ])('%s: %s is none', (_, url) => expect(isClientIdentifierUrl(url, true)).toBe(false));

  it('§8.6: http on the loopback interface is one only where that is allowed', () => {
    for (const url of [
      'http://127.0.0.1:4000/client',
      'http://localhost:4000/client',
      'http://[::1]/client',
    ]) {
      expect([isClientIdentifierUrl(url, true), isClientIdentifierUrl(url, false)]).toEqual([true, false]);
    }
  });

  it('whatever is one names the host that it seems to name', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string(), (url, more) => {
        const text = url + more;
        if (!isClientIdentifierUrl(text, false)) return;
        const { host, pathname, hash, username } = new URL(text);
        expect(text.toLowerCase().startsWith(`https://${host}`)).toBe(true);
        expect([hash, username, text.includes(pathname)]).toEqual(['', '', true]);
      }),
    );
  });
});
