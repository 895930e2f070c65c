import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mannWhitney } from './mann-whitney.js';

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('the test of Mann and Whitney', () => {
  it('gives the values of the approximation worked out by hand', () => {
    // U = 0 of 100, mean 50, deviation √(100 · 21 / 12) = 13.2288, z = 49.5 / 13.2288 = 3.7418
    expect(mannWhitney(range(1, 10), range(11, 20))).toEqual({ p: expect.closeTo(0.000183, 6), share: 0 });
    // twice the same values: U = 50
    expect(mannWhitney(range(1, 10), range(1, 10))).toEqual({ p: expect.closeTo(1, 6), share: 0.5 });
    // z = (84 - 50 - 0.5) / 13.2288 = 2.5323
    expect(mannWhitney(range(9, 18), range(5, 14))).toMatchObject({
      share: 0.82,
      p: expect.closeTo(0.0171, 3),
    });
  });

  it('tells apart what differs by a tenth of its spread only with enough values', () => {
    const noise = (index: number) => (index * 0.618034) % 1;
    const sample = (count: number, shift: number) => range(1, count).map((index) => noise(index) + shift);
    expect(mannWhitney(sample(200, 0), sample(200, 0.1)).p).toBeLessThan(0.01);
    expect(mannWhitney(sample(20, 0), sample(20, 0.05)).p).toBeGreaterThan(0.1);
  });

  it('does not ask which sample is the first, nor in which unit they are', () => {
    const sample = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 20, maxLength: 60 });
    fc.assert(
      fc.property(sample, sample, (one, other) => {
        const { p, share } = mannWhitney(one, other);
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1 + 1e-6);
        expect(mannWhitney(other, one)).toEqual({
          p: expect.closeTo(p, 9),
          share: expect.closeTo(1 - share, 9),
        });
        const scaled = [one, other].map((values) => values.map((value) => value * 8 + 3)) as [
          number[],
          number[],
        ];
        expect(mannWhitney(...scaled)).toEqual({ p, share });
      }),
    );
  });
});
