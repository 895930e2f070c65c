import { describe, expect, it } from '@jest/globals';
import { WorkQueue } from './work-queue.js';

function task() {
  let end: (result: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const result = new Promise<string>((resolve, reject) => ([end, fail] = [resolve, reject]));
  const started = { count: 0 };
  const run = () => {
    started.count += 1;
    return result;
  };
  return { run, started, end, fail };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a work queue', () => {
  it('runs no more at once than its concurrency, and the next in order when one ends', async () => {
    const queue = new WorkQueue(2, 2);
    const tasks = Array.from({ length: 4 }, task);
    const results = tasks.map(({ run }) => queue.run(run));
    await settled();
    expect(tasks.map(({ started }) => started.count)).toEqual([1, 1, 0, 0]);
    tasks[1]?.end('second');
    expect(await results[1]).toBe('second');
    await settled();
    expect(tasks.map(({ started }) => started.count)).toEqual([1, 1, 1, 0]);
  });

  it('refuses what would wait beyond its capacity, and takes it once there is room', async () => {
    const queue = new WorkQueue(1, 1);
    const [first, second, third] = [task(), task(), task()];
    void queue.run(first.run);
    const waiting = queue.run(second.run);
    expect(queue.run(third.run)).toBeUndefined();
    first.end('done');
    await settled();
    expect(queue.run(third.run)).toBeDefined();
    expect(third.started.count).toBe(0);
    second.end('done');
    expect(await waiting).toBe('done');
  });

  it('gives the place of a task that failed to the next, and passes its error on', async () => {
    const queue = new WorkQueue(1, 1);
    const [first, second] = [task(), task()];
    const failing = queue.run(first.run);
    const waiting = queue.run(second.run);
    first.fail(new Error('broken'));
    await expect(failing).rejects.toThrow('broken');
    second.end('done');
    expect(await waiting).toBe('done');
    const third = task();
    void queue.run(third.run);
    expect(third.started.count).toBe(1);
  });
});
