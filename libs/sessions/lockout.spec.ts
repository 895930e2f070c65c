import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { KeyedDigest, sha256 } from '#platform';
import { delaysUpTo, limitsOf as limitsUnder } from './lockout.js';

const stranger = { email: 'a@b.example', network: '192.0.2.1', userId: 'u', deviceId: undefined };
const digests = new KeyedDigest([{ kid: 'test', secret: randomBytes(32) }]);
const limitsOf = (attempt: Parameters<typeof limitsUnder>[0], free: number) =>
  limitsUnder(attempt, free, digests);
const kind = (subject: string) => subject.split(':')[0];

describe('the delay after failed sign-ins', () => {
  it('is 30 s at first and doubles, up to 15 minutes for an account and an hour for who guesses', () => {
    const delays = Object.fromEntries(limitsOf(stranger, 5).map((limit) => [kind(limit.subject), limit]));
    expect(delays['account']).toMatchObject({ free: 5, delays: [30, 60, 120, 240, 480, 900] });
    expect(delays['network']).toMatchObject({ free: 50, delays: [30, 60, 120, 240, 480, 900] });
    expect(delays['pair']).toMatchObject({ free: 5, delays: [30, 60, 120, 240, 480, 960, 1920, 3600] });
  });

  it('grows with each failure, is never more than twice the one before, and ends at the longest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 1_000_000 }), (longest) => {
        const delays = delaysUpTo(longest);
        expect(delays.at(-1)).toBe(longest);
        delays.slice(1).forEach((delay, index) => {
          expect(delay).toBeGreaterThan(delays[index] ?? Infinity);
          expect(delay).toBeLessThanOrEqual(2 * (delays[index] ?? 0));
        });
      }),
    );
  });
});

describe('what a try counts for', () => {
  it('the account, the network and both together; at a known device that device alone', () => {
    expect(limitsOf(stranger, 5).map(({ subject }) => kind(subject))).toEqual(['account', 'network', 'pair']);
    expect(limitsOf({ ...stranger, deviceId: 'd' }, 5)).toMatchObject([{ subject: 'device:d', user: 'u' }]);
  });

  it('other accounts and other networks are never counted together, and nothing that was typed is kept', () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' });
    fc.assert(
      fc.property(text, text, text, text, (email, network, otherEmail, otherNetwork) => {
        fc.pre(email !== otherEmail && network !== otherNetwork);
        const [one, other] = [
          limitsOf({ ...stranger, email, network }, 5),
          limitsOf({ ...stranger, email: otherEmail, network: otherNetwork }, 5),
        ].map((limits) => limits.map(({ subject }) => subject));
        expect(one?.some((subject) => other?.includes(subject))).toBe(false);
        for (const subject of one ?? []) expect(subject).toMatch(/^[a-z]+:[\w-]{43}$/);
        const open = [email, network, `${email}|${network}`].map((text) =>
          sha256(text).toString('base64url'),
        );
        expect(open.filter((digest) => one?.some((subject) => subject.includes(digest)))).toEqual([]);
      }),
    );
  });
});
