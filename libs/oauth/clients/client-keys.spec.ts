import { describe, expect, it } from '@jest/globals';
import { freshSeconds } from './client-keys.js';

const now = new Date('2026-01-01T00:00:00Z');
const fresh = (headers: Parameters<typeof freshSeconds>[0]) => freshSeconds(headers, now);

describe('how long the keys of a client are remembered (RFC 9111 §4.2.1)', () => {
  it.each([
    [{ 'cache-control': 'max-age=600' }, 600],
    [{ 'cache-control': 'public, Max-Age="600", must-revalidate' }, 600],
    [{ 'cache-control': 'max-age=600', age: '100' }, 500],
    [{ 'cache-control': 'max-age=600', expires: '0' }, 600],
    [{ expires: 'Thu, 01 Jan 2026 01:00:00 GMT', date: 'Thu, 01 Jan 2026 00:30:00 GMT' }, 1800],
    [{ expires: 'Thu, 01 Jan 2026 01:00:00 GMT' }, 3600],
    [{}, 300],
  ])('by its headers: %j → %i s', (headers, seconds) => expect(fresh(headers)).toBe(seconds));

  it.each([
    { 'cache-control': 'no-store' },
    { 'cache-control': 'no-cache, max-age=600' },
    { 'cache-control': 'max-age=0' },
    { 'cache-control': 'max-age=10', age: '600' },
    { expires: '0' },
    { expires: 'Thu, 01 Jan 1970 00:00:00 GMT' },
  ])('a minute at least, whatever the headers say: %j', (headers) => expect(fresh(headers)).toBe(60));

  it.each([{ 'cache-control': 'max-age=9999999999' }, { expires: 'Thu, 01 Jan 2099 00:00:00 GMT' }])(
    'a day at most: %j',
    (headers) => expect(fresh(headers)).toBe(86_400),
  );
});
