import { describe, expect, it, jest } from '@jest/globals';
import { Clock } from '#platform';
import { checklist } from './checklist.js';
import type { ControlContext } from './control-context.js';
import { briefly, ControlRunner } from './control-runner.js';
import { failed, seconds, verified, type Control } from './control.js';

const context = () => ({}) as ControlContext;
const ids = checklist.filter(({ kinds }) => kinds.includes('probe')).map(({ id }) => id);

function control(id: string, verify: Control['verify'], timeout = 50): Control {
  return { id, kind: 'probe', timeout, interval: seconds(60), verify };
}

const runner = (...controls: Control[]) => new ControlRunner(checklist, controls, context, new Clock());

describe('the control runner', () => {
  it('calls a control that takes too long unknown and tells it to stop', async () => {
    let told = false;
    const slow = control('config.db.pool', (_, signal) => {
      signal.addEventListener('abort', () => (told = true));
      return new Promise(() => undefined);
    });
    const { finding } = await runner(slow).run(slow);
    expect(finding).toMatchObject({ state: 'unknown', missing: expect.stringContaining('50 ms') });
    expect(told).toBe(true);
  });

  it('calls a control that breaks unknown, not green and not red', async () => {
    const broken = control('config.db.pool', () => Promise.reject(new Error('out of order')));
    expect((await runner(broken).run(broken)).finding).toMatchObject({ state: 'unknown' });
  });

  it('lets evidence count for twice its interval and the time-out', async () => {
    const quick = control('config.db.pool', async () => verified('it'));
    const { observedAt, expiresAt } = await runner(quick).run(quick);
    expect(expiresAt.getTime() - observedAt.getTime()).toBe(120_050);
  });

  it('runs no more than three at a time and each in the end', async () => {
    let now = 0;
    let most = 0;
    const busy = ids.slice(0, 12).map((id) =>
      control(
        id,
        async () => {
          most = Math.max(most, ++now);
          await new Promise((resolve) => setTimeout(resolve, 60));
          now -= 1;
          return verified('it');
        },
        5_000,
      ),
    );
    const running = runner(...busy);
    running.start();
    await running.firstResults(5_000);
    await running.stop();
    expect(running.results.size).toBe(12);
    expect(most).toBe(3);
  });

  it('waits for first results no longer than it is told', async () => {
    const never = control('config.db.pool', () => new Promise(() => undefined), 10_000);
    const running = runner(never);
    running.start();
    const start = performance.now();
    await running.firstResults(100);
    expect(performance.now() - start).toBeLessThan(1_000);
    await running.stop();
  });

  it('lets what is under way tidy up before it has stopped', async () => {
    let tidied = false;
    const tidy = control(
      'config.db.pool',
      (_, signal) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () =>
            setTimeout(() => {
              tidied = true;
              resolve(verified('it'));
            }, 50),
          ),
        ),
      10_000,
    );
    const running = runner(tidy);
    running.start();
    await running.firstResults(100);
    await running.stop();
    expect(tidied).toBe(true);
  });

  it('looks again at what is not green after 15 s, then twice as late each time, up to its interval', async () => {
    jest.useFakeTimers();
    const runs: number[] = [];
    const begin = performance.now();
    const red = control('config.db.pool', async () => {
      runs.push(Math.round((performance.now() - begin) / 1_000));
      return failed('this', 'that', 'do it');
    });
    const running = runner(red);
    running.start();
    await jest.advanceTimersByTimeAsync(200_000);
    jest.useRealTimers();
    await running.stop();
    expect(runs).toEqual([0, 15, 45, 105, 165]);
  });

  it('refuses a control for no item, of a kind that does not verify it, or a second one', () => {
    const good = control('config.db.pool', async () => verified('it'));
    expect(() => runner({ ...good, id: 'config.db.nothing' })).toThrow('no item');
    expect(() => runner({ ...good, kind: 'attest' })).toThrow('not verified by attest');
    expect(() => runner(good, { ...good })).toThrow('two controls');
  });

  it('shows of an error neither user nor password', () => {
    expect(briefly(new Error('postgres://u:secret@db/x is down\nstack'))).toBe('Error: ***@db/x is down');
  });
});
