import { describe, expect, it } from '@jest/globals';
import { KitClock } from '../clock.js';
import type { AccessTokenClaims } from '../tokens/access-token.js';
import { resolveOptions } from '../options.js';
import { Revocations } from './revocations.js';
import { parseSecurityEvent, type SecurityEventKind } from './security-event.js';
import { StreamHealth } from './stream-health.js';

class TestClock extends KitClock {
  time = 1_000_000_000_000;
  protected override host(): number {
    return this.time;
  }
  protected override ticks(): number {
    return this.time;
  }
}

const CLAIMS: AccessTokenClaims = {
  sub: 'user',
  client_id: 'client',
  jti: 'jti',
  iat: 1000,
  exp: 2000,
  scope: '',
  sid: 'sid',
  authorization_id: 'authorization',
  organization_id: 'organization',
  roles: [],
  entitlements: [],
  client_chain: ['first-client'],
  token_chain: ['first-jti'],
  actors: [
    {
      sub: 'actor',
      sid: 'actor-sid',
      authorization_id: 'actor-authorization',
      organization_id: 'organization',
    },
  ],
};

function healthy(clock: TestClock): StreamHealth {
  const options = resolveOptions({
    coreAuthUrl: 'https://auth.example',
    clientId: 'projects',
    clientSecret: 's'.repeat(43),
    moduleUrl: 'https://projects.example',
    moduleKey: 'projects',
    scopes: ['openid'],
  });
  const health = new StreamHealth(options, clock);
  health.ready(false);
  return health;
}

function heard(kind: SecurityEventKind, subject: string, seconds: number, clock = new TestClock()) {
  const revocations = new Revocations(clock, healthy(clock));
  revocations.apply({ kind, subject, organizationId: 'organization', occurredAt: seconds * 1000 });
  return revocations;
}

describe('what has been revoked', () => {
  it.each<[SecurityEventKind, string]>([
    ['authorization-revoked', 'authorization'],
    ['session-ended', 'sid'],
    ['token-revoked', 'jti'],
    ['token-revoked', 'first-jti'],
    ['authorization-revoked', 'actor-authorization'],
    ['session-ended', 'actor-sid'],
  ])('%s is for good, whenever the token was issued', (kind, subject) => {
    expect(heard(kind, subject, 1).judge(CLAIMS)).toBe('revoked');
  });

  it.each<[SecurityEventKind, string, string]>([
    ['user-disabled', 'user', 'revoked'],
    ['user-disabled', 'actor', 'revoked'],
    ['credential-changed', 'actor', 'revoked'],
    ['membership-changed', 'actor', 'renew'],
    ['client-disabled', 'client', 'revoked'],
    ['client-disabled', 'first-client', 'revoked'],
    ['membership-changed', 'user', 'renew'],
  ])('%s concerns the tokens from before, and the second itself is asked about', (kind, subject, verdict) => {
    expect(heard(kind, subject, 1001).judge(CLAIMS)).toBe(verdict);
    expect(heard(kind, subject, 1000.5).judge(CLAIMS)).toBe('ask');
    expect(heard(kind, subject, 999).judge(CLAIMS)).toBe('live');
  });

  it('a second that two share is settled by an answer from after the event, until the next', () => {
    const revocations = heard('membership-changed', 'user', 1000);
    const before = revocations.heard - 1;
    expect(revocations.judge(CLAIMS, before)).toBe('ask');
    const settled = revocations.heard;
    expect(revocations.judge(CLAIMS, settled)).toBe('live');
    const event = { kind: 'membership-changed', subject: 'user', organizationId: 'organization' } as const;
    revocations.apply({ ...event, occurredAt: 999_000 });
    expect(revocations.judge(CLAIMS, settled)).toBe('live');
    revocations.apply({ ...event, occurredAt: 1_000_000 });
    expect(revocations.judge(CLAIMS, settled)).toBe('ask');
    revocations.apply({ ...event, occurredAt: 1_001_000 });
    expect(revocations.judge(CLAIMS, revocations.heard)).toBe('renew');
  });

  it('keeps the later of two events, in whatever order they come', () => {
    const revocations = heard('user-disabled', 'user', 1001);
    revocations.apply({ kind: 'user-disabled', subject: 'user', organizationId: undefined, occurredAt: 1 });
    expect(revocations.judge(CLAIMS)).toBe('revoked');
  });

  it('is forgotten after a day, when every token concerned has expired', () => {
    const clock = new TestClock();
    const revocations = heard('session-ended', 'sid', 1, clock);
    clock.time += 86_400_000 - 1;
    expect(revocations.judge(CLAIMS)).toBe('revoked');
    clock.time += 2;
    expect(revocations.judge(CLAIMS)).toBe('live');
  });
});

describe('more revocations than can be remembered', () => {
  it('make every token from before a question again, so that none is let in by forgetting', () => {
    const clock = new TestClock();
    const health = healthy(clock);
    const revocations = new Revocations(clock, health);
    const since = health.heardSince;
    clock.time += 1000;
    for (let number = 0; number <= 100_000; number += 1) {
      if (number === 100_000) expect(health.heardSince).toBe(since);
      revocations.apply({
        kind: 'token-revoked',
        subject: String(number),
        organizationId: undefined,
        occurredAt: clock.time,
      });
    }
    expect(health.heardSince).toBe(since + 1000);
  });
});

describe('a security event', () => {
  it.each([
    '',
    '[]',
    'null',
    '{"sub_id":{"format":"opaque","id":"x"}}',
    '{"sub_id":{"format":"opaque","id":"x"},"events":{"urn:example:other":{"event_timestamp":1}}}',
    '{"sub_id":{"format":"opaque","id":"x"},"events":{"__proto__":{"event_timestamp":1}}}',
    '{"events":{"urn:core-auth:event-type:license-changed":{"event_timestamp":1}}}',
    '{"sub_id":{"format":"complex","tenant":{"id":"x"}},"events":{"urn:core-auth:event-type:license-changed":{}}}',
    '{"sub_id":{"format":"complex","tenant":{"id":1}},"events":{"urn:core-auth:event-type:license-changed":{"event_timestamp":1}}}',
  ])('is none when it cannot be read: %s', (data) => {
    expect(parseSecurityEvent(data)).toBeUndefined();
  });
});
