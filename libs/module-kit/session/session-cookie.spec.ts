import { describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../options.js';
import { isDue, type ModuleSession } from './module-session.js';
import { SealedValue } from './sealed-value.js';
import { SessionCookie } from './session-cookie.js';

const cookie = (clientSecret: string, clientId = 'projects') =>
  new SessionCookie(
    resolveOptions({
      coreAuthUrl: 'https://auth.example',
      clientId,
      clientSecret,
      moduleUrl: 'https://projects.example',
      moduleKey: 'projects',
      scopes: ['openid'],
    }),
  );
const SECRET = 's'.repeat(43);
const SESSION: ModuleSession = {
  accessToken: 'access',
  refreshToken: 'refresh',
  idToken: 'identity',
  issuedAt: 1000,
  expiresAt: 4600,
  subject: 'user',
  sessionId: 'sid',
  name: 'Zoë',
};
const pair = (line: string) => line.split(';')[0];

describe('the session cookie', () => {
  it('gives back what it was given', async () => {
    const line = await cookie(SECRET).write(SESSION);
    expect(line).toMatch(/^__Host-projects_session=.*; Secure$/);
    expect(await cookie(SECRET).read(pair(line))).toEqual(SESSION);
  });

  it('opens with no other secret, for no other client, and not when altered', async () => {
    const value = pair(await cookie(SECRET).write(SESSION)) ?? '';
    expect(await cookie('t'.repeat(43)).read(value)).toBeUndefined();
    expect(await cookie(SECRET, 'reports').read(value.replace('projects', 'reports'))).toBeUndefined();
    const altered = value.slice(0, -8) + (value.at(-8) === 'A' ? 'B' : 'A') + value.slice(-7);
    expect(await cookie(SECRET).read(altered)).toBeUndefined();
  });

  it('is not a value sealed for another purpose', async () => {
    const foreign = await new SealedValue(SECRET, 'sign-in attempt of projects').seal({ a: 'access' });
    expect(await cookie(SECRET).read(`__Host-projects_session=${foreign}`)).toBeUndefined();
  });

  it('leaves out the ID token when it would grow past 4096 bytes, and then gives up', async () => {
    const line = await cookie(SECRET).write({ ...SESSION, idToken: 'i'.repeat(3000) });
    expect((await cookie(SECRET).read(pair(line)))?.idToken).toBeUndefined();
    await expect(cookie(SECRET).write({ ...SESSION, accessToken: 'a'.repeat(4000) })).rejects.toThrow(
      'too large',
    );
  });
});

describe('the renewal of an access token', () => {
  it('is due a minute before its end, or a quarter of a short life', () => {
    expect(isDue(SESSION, 4539_999)).toBe(false);
    expect(isDue(SESSION, 4540_000)).toBe(true);
    const short = { ...SESSION, expiresAt: 1020 };
    expect(isDue(short, 1_014_999)).toBe(false);
    expect(isDue(short, 1_015_000)).toBe(true);
  });
});
