import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { LocalCounter } from './rate-limit.storage.js';

describe('counting without Redis', () => {
  it('what is beyond the limit within the window is blocked, each address for itself', () => {
    const counter = new LocalCounter();
    const blocked = [1, 2, 3].map(() => counter.increment('one', 60_000, 2).isBlocked);
    expect(blocked).toEqual([false, false, true]);
    expect(counter.increment('one', 60_000, 2)).toEqual({
      totalHits: 4,
      timeToExpire: 60,
      isBlocked: true,
      timeToBlockExpire: 60,
    });
    expect(counter.increment('other', 60_000, 2)).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it('a new window begins when the one before has ended', async () => {
    const counter = new LocalCounter();
    counter.increment('one', 20, 1);
    await sleep(30);
    expect(counter.increment('one', 20, 1)).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it('addresses that are not heard of again are forgotten', async () => {
    const counter = new LocalCounter();
    for (let number = 0; number < 1000; number += 1) counter.increment(`address ${number}`, 20, 1);
    await sleep(30);
    counter.increment('one', 20, 1);
    await sleep(30);
    counter.increment('two', 20, 1);
    expect(counter.size).toBeLessThan(3);
  });
});
