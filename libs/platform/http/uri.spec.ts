import { describe, expect, it } from '@jest/globals';
import { parseUri } from './uri.js';

describe('an absolute URI (RFC 3986)', () => {
  it.each([
    'https://app.example/a%2Fb?c=d#e',
    'com.example.app:/callback',
    "urn:x:a-b.c_d~e!$&'()*+,;=:@",
    'http://[::1]:3000/',
  ])('%s is one', (text) => expect(parseUri(text)?.href).toBe(text));

  it.each([
    ['nothing', ''],
    ['a relative reference', '/path'],
    ['a tab', 'https://app.example/\ta'],
    ['a line feed at the end', 'https://app.example/\n'],
    ['a space', 'https://app.example/a b'],
    ['a backslash', 'https:\\\\app.example/'],
    ['a quotation mark', 'https://app.example/"'],
    ['a letter beyond ASCII', 'https://äpp.example/'],
    ['a percent sign alone', 'https://app.example/100%'],
    ['a percent sign before what is no digit', 'https://app.example/%4g'],
    ['no host', 'https://'],
  ])('%s makes none: %j', (_, text) => expect(parseUri(text)).toBeUndefined());

  it('one that is longer than allowed is none', () => {
    const text = `https://app.example/${'x'.repeat(2028)}`;
    expect([text.length, parseUri(text)?.href, parseUri(`${text}x`)]).toEqual([2048, text, undefined]);
    expect(parseUri('https://app.example/', 19)).toBeUndefined();
  });
});
