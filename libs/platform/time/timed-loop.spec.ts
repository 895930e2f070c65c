import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { TimedLoop } from './timed-loop.js';

const INTERVAL = 1000;

describe('work that is done again and again', () => {
  /** How each run that has begun is ended. */
  let runs: { done: () => void; fail: (reason: unknown) => void; stopping: () => boolean }[];
  let failures: Error[];
  let loop: TimedLoop;

  beforeEach(() => {
    jest.useFakeTimers();
    runs = [];
    failures = [];
    loop = new TimedLoop({
      interval: INTERVAL,
      work: (stopping) => new Promise<void>((done, fail) => void runs.push({ done, fail, stopping })),
      failed: (error) => void failures.push(error),
    });
  });
  afterEach(() => void jest.useRealTimers());

  const pass = (intervals: number) => jest.advanceTimersByTimeAsync(intervals * INTERVAL);

  it('begins after one interval when nothing else is said', async () => {
    loop.start();
    expect(runs).toHaveLength(0);
    await pass(1);
    expect(runs).toHaveLength(1);
  });

  it('begins at once when it is told to', () => {
    loop.startNow();
    expect(runs).toHaveLength(1);
  });

  it('is never done twice at once: a run that takes longer than the interval is waited for', async () => {
    loop.startNow();
    await pass(5);
    expect(runs).toHaveLength(1);
    runs[0]?.done();
    await pass(1);
    expect(runs).toHaveLength(2);
  });

  it.each([new Error('no database'), 'no database'])(
    'tells of a run that failed, and comes again: %p',
    async (reason) => {
      loop.startNow();
      runs[0]?.fail(reason);
      await pass(1);
      expect(failures.map(({ message }) => message)).toEqual(['no database']);
      expect(runs).toHaveLength(2);
    },
  );

  it('that fails before it has begun is told of alike', async () => {
    const failing = new TimedLoop({
      interval: INTERVAL,
      work: () => {
        throw new Error('at once');
      },
      failed: (error) => void failures.push(error),
    });
    failing.start();
    await pass(2);
    expect(failures.map(({ message }) => message)).toEqual(['at once', 'at once']);
    await failing.stop();
  });

  it('is told to end early when the process stops, is waited for, and does not begin again', async () => {
    loop.startNow();
    expect(runs[0]?.stopping()).toBe(false);
    let over = false;
    const stopping = loop.stop().then(() => (over = true));
    await pass(3);
    expect([runs[0]?.stopping(), over]).toEqual([true, false]);
    runs[0]?.done();
    await stopping;
    await pass(3);
    expect(runs).toHaveLength(1);
  });
});
