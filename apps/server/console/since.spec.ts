import { describe, expect, it } from '@jest/globals';
import { since } from './since.js';

describe('how long ago somebody was heard of', () => {
  it.each([
    [-3, 'just now'],
    [0, 'just now'],
    [1, '1 s ago'],
    [119.9, '119 s ago'],
    [120, '2 min ago'],
    [7199, '119 min ago'],
    [7200, '2 h ago'],
    [86_400, '24 h ago'],
  ])('%d seconds are “%s”', (seconds, words) => {
    const now = new Date('2026-03-01T12:00:00Z');
    expect(since(new Date(now.getTime() - seconds * 1000), now)).toBe(words);
  });
});
