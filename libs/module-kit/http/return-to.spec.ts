import { describe, expect, it } from '@jest/globals';
import { localPath } from './return-to.js';

describe('the path to go back to', () => {
  it.each(['/', '/projects', '/projects?status=done&x=%2F%2F', '/a//b'])(
    'is kept when it is local: %s',
    (path) => {
      expect(localPath(path)).toBe(path);
    },
  );

  it.each([
    'https://elsewhere.example/',
    '//elsewhere.example/path',
    '/\\elsewhere.example/path',
    '/\t/elsewhere.example',
    '/%0a/..//elsewhere.example'.replace('%0a', '\n'),
    '/x/..//elsewhere.example',
    'javascript:alert(1)',
    'projects',
    '',
    '/auth/sign-in',
    '/auth/../auth/callback',
    `/${'x'.repeat(2000)}`,
    undefined,
    ['/a', '/b'],
  ])('is the start page for anything else: %j', (value) => {
    expect(localPath(value)).toBe('/');
  });
});
