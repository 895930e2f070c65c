import { describe, expect, it } from '@jest/globals';
import { EVENT_KINDS, type EventKind, type OutboxEvent } from './outbox-event.js';
import { isPublicKind, securityEventClaims } from './security-event.js';

const ISSUER = 'https://auth.example';
const AUDIENCE = 'projects';
const OCCURRED = new Date('2026-11-24T10:00:00.900Z');
const SECONDS = Date.parse('2026-11-24T10:00:00Z') / 1000;

const event = (kind: EventKind, changes: Partial<OutboxEvent> = {}): OutboxEvent => ({
  cursor: '7-9',
  kind,
  subject: 'the-subject',
  organizationId: 'the-organization',
  occurredAt: OCCURRED,
  facts: null,
  ...changes,
});
const claims = (kind: EventKind, changes?: Partial<OutboxEvent>) =>
  securityEventClaims(event(kind, changes), { issuer: ISSUER, audience: AUDIENCE });

const user = { format: 'iss_sub', iss: ISSUER, sub: 'the-subject' };
const subject = { format: 'opaque', id: 'the-subject' };
const OPENID = 'https://schemas.openid.net/secevent';

/** Every kind that is told to others: its event type, its subject, and what more it says. */
const TOLD: Readonly<Partial<Record<EventKind, readonly [type: string, subject: object, more?: object]>>> = {
  'authorization-revoked': [`${OPENID}/oauth/event-type/tokens-revoked`, subject],
  'session-ended': [`${OPENID}/caep/event-type/session-revoked`, { format: 'complex', session: subject }],
  'user-disabled': [`${OPENID}/risc/event-type/account-disabled`, user],
  'credential-changed': [
    `${OPENID}/caep/event-type/credential-change`,
    user,
    { credential_type: 'password', change_type: 'update' },
  ],
  'client-disabled': [`${OPENID}/oauth/event-type/client-disabled`, subject],
  'token-revoked': [
    `${OPENID}/oauth/event-type/token-revoked`,
    { format: 'jwt_id', iss: ISSUER, jti: 'the-subject' },
  ],
  'membership-changed': [
    `${OPENID}/caep/event-type/token-claims-change`,
    { format: 'complex', user, tenant: { format: 'opaque', id: 'the-organization' } },
    { claims: { roles: null } },
  ],
  'organization-changed': [
    'urn:core-auth:event-type:organization-changed',
    { format: 'complex', tenant: subject },
  ],
  'license-changed': ['urn:core-auth:event-type:license-changed', { format: 'complex', tenant: subject }],
  ...Object.fromEntries(
    ['seat-assigned', 'seat-released'].map((kind) => [
      kind,
      [
        `urn:core-auth:event-type:${kind}`,
        { format: 'complex', user, tenant: { format: 'opaque', id: 'the-organization' } },
      ],
    ]),
  ),
  ...Object.fromEntries(
    [
      'usage-threshold-reached',
      'license-started',
      'license-terms-changed',
      'license-ending',
      'license-grace',
      'license-expired',
    ].map((kind) => [
      kind,
      [
        `urn:core-auth:event-type:${kind}`,
        { format: 'complex', tenant: { format: 'opaque', id: 'the-organization' } },
        { license_id: 'the-subject' },
      ],
    ]),
  ),
  'catalog-changed': ['urn:core-auth:event-type:catalog-changed', subject],
  'key-revoked': ['urn:core-auth:event-type:key-revoked', subject],
};
const INTERNAL: readonly EventKind[] = ['client-changed', 'keys-changed', 'operator-changed'];

describe('a security event token', () => {
  it('every kind is either told to others or kept among the nodes of this server', () => {
    expect([...Object.keys(TOLD), ...INTERNAL].sort()).toEqual([...EVENT_KINDS].sort());
    for (const kind of EVENT_KINDS) expect(isPublicKind(kind)).toBe(kind in TOLD);
  });

  it.each(Object.entries(TOLD))('RFC 8417 §2.2, RFC 9493 §4.1: %s', (kind, [type, sub_id, more]) => {
    expect(claims(kind as EventKind)).toEqual({
      iss: ISSUER,
      iat: SECONDS,
      jti: expect.stringMatching(/^[\w-]{43}$/),
      aud: AUDIENCE,
      sub_id,
      events: { [type]: { event_timestamp: SECONDS, ...more } },
    });
  });

  it.each(INTERNAL)('%s is told to nobody outside', (kind) => expect(claims(kind)).toBeUndefined());

  it('RFC 8417 §2.2: its jti is its own: the same when it is told again, another for any other event or audience', () => {
    const first = claims('session-ended')?.jti;
    expect(claims('session-ended')?.jti).toBe(first);
    const others = [
      claims('session-ended', { cursor: '7-10' })?.jti,
      claims('session-ended', { subject: 'another' })?.jti,
      claims('session-ended', { occurredAt: new Date(OCCURRED.getTime() + 1) })?.jti,
      securityEventClaims(event('session-ended'), { issuer: ISSUER, audience: 'reports' })?.jti,
      securityEventClaims(event('session-ended'), { issuer: 'https://other.example', audience: AUDIENCE })
        ?.jti,
    ];
    expect(new Set([first, ...others]).size).toBe(others.length + 1);
  });

  it('RFC 8417 §2.2: its facts stand beside what every event of its kind says', () => {
    const facts = { module: 'reports', trial: false, grace_until: null };
    expect(claims('license-ending', { facts })?.events).toEqual({
      'urn:core-auth:event-type:license-ending': {
        ...{ event_timestamp: SECONDS, license_id: 'the-subject' },
        ...facts,
      },
    });
  });

  it('a membership without an organization names the person alone', () => {
    expect(claims('membership-changed', { organizationId: null })?.sub_id).toEqual({
      format: 'complex',
      user,
    });
  });
});
