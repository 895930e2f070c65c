import { describe, expect, it } from '@jest/globals';
import { KitClock } from '../clock.js';
import { ProcessReplayStore } from './dpop-proofs.js';

class TestClock extends KitClock {
  time = 1_000_000;
  protected override host(): number {
    return this.time;
  }
  protected override ticks(): number {
    return this.time;
  }
}

describe('the memory of used proofs', () => {
  it('RFC 9449 §11.1: refuses a second use within the life of a proof, and forgets it afterwards', () => {
    const clock = new TestClock();
    const store = new ProcessReplayStore(clock);
    expect([store.use('a', 1000), store.use('b', 1000), store.use('a', 1000)]).toEqual([true, true, false]);
    clock.time += 1000;
    expect(store.use('a', 1000)).toBe(false);
    clock.time += 1;
    expect(store.use('a', 1000)).toBe(true);
  });

  it('is bounded, and refuses more rather than forget one that is still good', () => {
    const clock = new TestClock();
    const store = new ProcessReplayStore(clock, 3);
    expect(['a', 'b', 'c'].map((key) => store.use(key, 1000))).toEqual([true, true, true]);
    expect(() => store.use('d', 1000)).toThrow(expect.objectContaining({ code: 'CHECK_UNAVAILABLE' }));
    expect(store.use('a', 1000)).toBe(false);
    clock.time += 1001;
    expect(store.use('d', 1000)).toBe(true);
  });
});
