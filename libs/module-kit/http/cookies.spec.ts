import { describe, expect, it } from '@jest/globals';
import { cookieName, parseCookies, serializeCookie } from './cookies.js';

describe('cookies', () => {
  it('are read from a header, the first of two equal names', () => {
    expect([...parseCookies('a=1; b=x=y ; a=2; =no; lone')]).toEqual([
      ['a', '1'],
      ['b', 'x=y'],
    ]);
  });

  it('carry __Host- and Secure on https, and neither on plain http', () => {
    expect(serializeCookie(cookieName('projects_session', true), 'v', { secure: true })).toBe(
      '__Host-projects_session=v; Path=/; HttpOnly; SameSite=Lax; Secure',
    );
    expect(serializeCookie(cookieName('projects_session', false), 'v', { secure: false, maxAge: 0 })).toBe(
      'projects_session=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=0',
    );
  });
});
