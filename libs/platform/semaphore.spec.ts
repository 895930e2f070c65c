import { describe, expect, it } from '@jest/globals';
import { Semaphore } from './semaphore.js';

describe('a semaphore', () => {
  it('no more tasks run at once than there are permits, each runs, in the order in which they came', async () => {
    const semaphore = new Semaphore(3);
    const began: number[] = [];
    let running = 0;
    let most = 0;
    const task = (number: number) =>
      semaphore.run(async () => {
        began.push(number);
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setTimeout(resolve, 1));
        running -= 1;
        return number;
      });
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    const results = numbers.map(task);
    expect(semaphore.waiting).toBe(17);
    expect(await Promise.all(results)).toEqual(numbers);
    expect(began).toEqual(numbers);
    expect(most).toBe(3);
    expect(semaphore.waiting).toBe(0);
  });

  it('a task that fails gives its permit to the next, and passes its error on', async () => {
    const semaphore = new Semaphore(1);
    const failing = semaphore.run(() => Promise.reject(new Error('no')));
    const waiting = semaphore.run(() => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await waiting).toBe('yes');
    expect(await semaphore.run(() => Promise.resolve('again'))).toBe('again');
  });
});
