import { describe, expect, it } from '@jest/globals';
import { quotaHeaders, readUse } from './use.js';

const CODES = new Set(['OK', 'QUOTA_EXCEEDED']);
const ANSWER = { allow: true, code: 'OK', used: 3, limit: 10, period_ends_at: '2026-07-01T00:00:00.000Z' };
const read = (changes: object) => readUse({ ...ANSWER, ...changes }, 'renders', CODES);

describe('an answer about use', () => {
  it('says what is left', () => {
    expect(read({})).toEqual({
      ...{ allow: true, code: 'OK', feature: 'renders', used: 3, limit: 10, remaining: 7 },
      periodEndsAt: new Date('2026-07-01T00:00:00.000Z'),
      replayed: false,
    });
    expect(read({ replayed: true })?.replayed).toBe(true);
    expect(read({ limit: null })?.remaining).toBeNull();
    expect(read({ used: 12 })?.remaining).toBe(0);
  });

  it.each([
    { allow: 'yes' },
    { code: 'NEW' },
    { used: -1 },
    { used: '3' },
    { limit: undefined },
    { limit: 0.5 },
    { period_ends_at: 'soon' },
    { replayed: 'no' },
  ])('is none when it cannot be read: %j', (changes) => expect(read(changes)).toBeUndefined());
});

describe('the headers about quota', () => {
  const now = Date.parse('2026-06-30T23:59:00.500Z');
  const headers = (changes: object) => quotaHeaders(read(changes) ?? fail(), now);
  const fail = (): never => {
    throw new Error('the answer was not read');
  };

  it('say what was bought, what is left, and when the period ends', () => {
    expect(headers({})).toEqual({
      'ratelimit-policy': '"renders";q=10',
      ratelimit: '"renders";r=7;t=60',
    });
    expect(headers({ period_ends_at: null })).toMatchObject({ ratelimit: '"renders";r=7' });
  });

  it('say when to come again, once it is used up', () => {
    expect(headers({ allow: false, code: 'QUOTA_EXCEEDED', used: 10 })).toMatchObject({
      ratelimit: '"renders";r=0;t=60',
      'retry-after': '60',
    });
  });

  it('are left out where there is no limit', () => expect(headers({ limit: null })).toEqual({}));
});
