import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sessionLimitsProblem } from './session-limits.js';

const deployment = { sessionIdleSeconds: 3600, sessionAbsoluteSeconds: 86_400 };

describe('the limits of an organization’s sessions', () => {
  it('are never longer than the deployment’s, and null leaves them to it', () => {
    const limit = fc.option(fc.integer({ min: -10, max: 100_000 }));
    fc.assert(
      fc.property(limit, limit, (idleSeconds, absoluteSeconds) => {
        const within = (seconds: number | null, longest: number) =>
          seconds === null || (seconds >= 300 && seconds <= longest);
        const good = within(idleSeconds, 3600) && within(absoluteSeconds, 86_400);
        expect(sessionLimitsProblem({ idleSeconds, absoluteSeconds }, deployment) === undefined).toBe(good);
      }),
    );
  });

  it('are refused with what would be taken', () => {
    expect(sessionLimitsProblem({ idleSeconds: 7200, absoluteSeconds: null }, deployment)).toBe(
      'A session can end without use after 5 to 60 minutes (300 to 3600 seconds).',
    );
    expect(sessionLimitsProblem({ idleSeconds: null, absoluteSeconds: 1.5 }, deployment)).toBe(
      'A session can end in any case after 5 to 1440 minutes (300 to 86400 seconds).',
    );
    const short = { ...deployment, sessionIdleSeconds: 60 };
    expect(sessionLimitsProblem({ idleSeconds: 60, absoluteSeconds: null }, short)).toContain(
      'no organization can make shorter',
    );
  });
});
