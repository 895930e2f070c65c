import { describe, expect, it } from '@jest/globals';
import { Slots } from './slots.js';

describe('slots', () => {
  it('no more tasks run at once than there are places, each runs, in the order in which they came', async () => {
    const slots = new Slots(3);
    const began: number[] = [];
    let running = 0;
    let most = 0;
    const task = (number: number) =>
      slots.with(async () => {
        began.push(number);
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setTimeout(resolve, 1));
        running -= 1;
        return number;
      });
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    expect(await Promise.all(numbers.map(task))).toEqual(numbers);
    expect(began).toEqual(numbers);
    expect(most).toBe(3);
  });

  it('a task that fails gives its place back', async () => {
    const slots = new Slots(1);
    for (let round = 0; round < 3; round += 1) {
      await expect(slots.with(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    }
    expect(await slots.with(() => Promise.resolve('yes'))).toBe('yes');
  });
});
