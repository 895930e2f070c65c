import { describe, expect, it } from '@jest/globals';
import { mailHref, safeHref } from './links.js';

describe('links', () => {
  it('keep http, https and own paths', () => {
    expect(safeHref('https://app.example/a?b=c')).toBe('https://app.example/a?b=c');
    expect(safeHref('http://localhost:3001/auth/sign-in')).toBe('http://localhost:3001/auth/sign-in');
    expect(safeHref('/oauth2/authorize?client_id=x')).toBe('/oauth2/authorize?client_id=x');
  });

  it.each([
    'javascript:alert(1)',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    'data:,x',
    'x',
    '',
  ])('refuse %j', (value) => {
    expect(safeHref(value)).toBeUndefined();
  });

  it('cannot be made to add headers to a mail', () => {
    expect(mailHref('a@b.example?bcc=c@d.example', 'x&body=y\r\n')).toBe(
      'mailto:a@b.example%3Fbcc%3Dc%40d.example?subject=x%26body%3Dy%0D%0A',
    );
    expect(mailHref('\ud800', '')).toBe('mailto:%EF%BF%BD?subject=');
  });
});
