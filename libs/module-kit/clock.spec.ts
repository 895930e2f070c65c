import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KitClock } from './clock.js';

const START = Date.UTC(2026, 5, 1);

class SetClock extends KitClock {
  /** What time it really is, how the host's clock differs, and how long the host slept. */
  passed = 0;
  error = 0;
  asleep = 0;
  protected override host(): number {
    return START + this.passed + this.error;
  }
  protected override ticks(): number {
    return this.passed - this.asleep;
  }
  /** Core Auth answers. */
  answered(): void {
    this.hear(new Date(START + this.passed).toUTCString());
  }
}

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(100_000) }),
    fc.record({ kind: fc.constant('set' as const), ms: fc.integer({ min: -10_000_000, max: 10_000_000 }) }),
  ),
);

describe('the clock of a module', () => {
  it('is never more than a second behind what Core Auth has told, whatever the host is set to', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const clock = new SetClock();
        clock.answered();
        for (const { kind, ms } of all) {
          if (kind === 'pass') clock.passed += ms;
          else clock.error = ms;
          expect(clock.now()).toBeGreaterThan(START + clock.passed - 1000);
          expect(clock.now()).toBe(Math.max(START + clock.passed, START + clock.passed + clock.error));
        }
      }),
    );
  });

  it('measures ages that are never less than what has passed', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const clock = new SetClock();
        const start = clock.elapsed();
        let before = start;
        for (const { kind, ms } of all) {
          if (kind === 'pass') clock.passed += ms;
          else clock.error = ms;
          expect(clock.elapsed()).toBeGreaterThanOrEqual(before);
          before = clock.elapsed();
        }
        expect(before - start).toBeGreaterThanOrEqual(clock.passed);
      }),
    );
  });

  it('measures nothing but what has passed while the host is set back', () => {
    const clock = new SetClock();
    const start = clock.elapsed();
    clock.error = -3_600_000;
    clock.passed = 5000;
    expect(clock.elapsed() - start).toBe(5000);
  });

  it('counts the sleep of the host, also when its clock was set back before', () => {
    const clock = new SetClock();
    const start = clock.elapsed();
    clock.error = -3_600_000;
    clock.elapsed();
    clock.passed = clock.asleep = 600_000;
    expect(clock.elapsed() - start).toBe(600_000);
  });

  it('is right again once the host is, after it was far ahead', () => {
    const clock = new SetClock();
    clock.error = 86_400_000;
    clock.answered();
    expect(clock.now()).toBe(START + 86_400_000);
    clock.error = 0;
    expect(clock.now()).toBe(START);
  });

  it('takes no earlier word of Core Auth for the time, unless it is corrected by far', () => {
    const clock = new SetClock();
    clock.error = -3_600_000;
    clock.hear(new Date(START).toUTCString());
    clock.hear(new Date(START - 9000).toUTCString());
    expect(clock.now()).toBe(START);
    clock.hear(new Date(START - 60_000).toUTCString());
    expect(clock.now()).toBe(START - 60_000);
    for (const nothing of [null, '', 'yesterday']) clock.hear(nothing);
    expect(clock.now()).toBe(START - 60_000);
  });
});
