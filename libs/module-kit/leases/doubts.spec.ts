import { describe, expect, it } from '@jest/globals';
import { Doubts } from './doubts.js';

const REMEMBERED = 10_000;

describe('doubts about floating seats', () => {
  it('concern one person in one organization, or everybody there, and only answers from before', () => {
    const doubts = new Doubts();
    const before = doubts.heard;
    doubts.raise('acme', 'ann');
    expect(doubts.since(before, 'acme', 'ann')).toBe(true);
    expect(doubts.since(before, 'acme', 'ben')).toBe(false);
    expect(doubts.since(before, 'globex', 'ann')).toBe(false);
    expect(doubts.since(doubts.heard, 'acme', 'ann')).toBe(false);
    doubts.raise('acme');
    expect(doubts.since(before, 'acme', 'ben')).toBe(true);
    expect(doubts.since(before, 'globex', 'ben')).toBe(false);
  });

  it('that had to be forgotten concern everybody who asked before them, and nobody who asked since', () => {
    const doubts = new Doubts();
    const before = doubts.heard;
    doubts.raise('acme', 'ann');
    const between = doubts.heard;
    for (let other = 0; other < REMEMBERED - 1; other += 1) doubts.raise('globex', `person-${other}`);
    expect(doubts.since(before, 'initech', 'zoe')).toBe(false);
    doubts.raise('globex', 'one too many');
    expect(doubts.since(before, 'acme', 'ann')).toBe(true);
    expect(doubts.since(before, 'initech', 'zoe')).toBe(true);
    expect(doubts.since(between, 'initech', 'zoe')).toBe(false);
    expect(doubts.since(between, 'acme', 'ann')).toBe(false);
  });

  it('are not forgotten for being raised again', () => {
    const doubts = new Doubts();
    const before = doubts.heard;
    for (let time = 0; time < 2 * REMEMBERED; time += 1) doubts.raise('acme', `person-${time % 10}`);
    expect(doubts.since(before, 'globex', 'zoe')).toBe(false);
  });
});
