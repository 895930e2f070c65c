import { numericDate, sha256 } from '#platform';
import type { EventKind, OutboxEvent } from './outbox-event.js';

/** RFC 9493 §3.2.3, §3.2.4; Shared Signals Framework 1.0 §3.5.1 (`jwt_id`). */
export type SimpleSubject =
  | { readonly format: 'iss_sub'; readonly iss: string; readonly sub: string }
  | { readonly format: 'opaque'; readonly id: string }
  | { readonly format: 'jwt_id'; readonly iss: string; readonly jti: string };

/** Shared Signals Framework 1.0 §3.3: what is meant is where all of its members meet. */
export interface ComplexSubject {
  readonly format: 'complex';
  readonly user?: SimpleSubject;
  readonly session?: SimpleSubject;
  readonly tenant?: SimpleSubject;
}

/** Claims of a security event token (RFC 8417 §2.2) with one event in it. */
export interface SecurityEventClaims {
  readonly iss: string;
  readonly iat: number;
  readonly jti: string;
  readonly aud: string;
  readonly sub_id: SimpleSubject | ComplexSubject;
  readonly events: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Description {
  readonly type: string;
  readonly subject: (event: OutboxEvent, issuer: string) => SimpleSubject | ComplexSubject;
  readonly claims?: Claims | ((event: OutboxEvent) => Claims);
}

type Claims = Readonly<Record<string, unknown>>;

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type';
const OAUTH = 'https://schemas.openid.net/secevent/oauth/event-type';
/** Of what no specification names. */
const OWN = 'urn:core-auth:event-type';

const opaque = (id: string): SimpleSubject => ({ format: 'opaque', id });
const itself = ({ subject }: OutboxEvent) => opaque(subject);
const user = ({ subject }: OutboxEvent, issuer: string): SimpleSubject => ({
  format: 'iss_sub',
  iss: issuer,
  sub: subject,
});
const tenant = ({ subject }: OutboxEvent): ComplexSubject => ({ format: 'complex', tenant: opaque(subject) });
const member = (event: OutboxEvent, issuer: string): ComplexSubject => ({
  format: 'complex',
  user: user(event, issuer),
  ...(event.organizationId === null ? {} : { tenant: opaque(event.organizationId) }),
});
/** Its holder is whom the event is about; which license it is, the event tells, and its facts tell the rest. */
const license = (type: string): Description => ({
  type: `${OWN}:${type}`,
  subject: ({ organizationId }) => ({
    format: 'complex',
    ...(organizationId === null ? {} : { tenant: opaque(organizationId) }),
  }),
  claims: ({ subject }) => ({ license_id: subject }),
});

/** What each kind is outside this deployment; null: it concerns the nodes of this server alone. */
const DESCRIPTIONS: Readonly<Record<EventKind, Description | null>> = {
  // OAuth Event Types 1.0 §3.3: all tokens of the subject, which here is the authorization
  'authorization-revoked': { type: `${OAUTH}/tokens-revoked`, subject: itself },
  // CAEP 1.0 §3.1
  'session-ended': {
    type: `${CAEP}/session-revoked`,
    subject: ({ subject }) => ({ format: 'complex', session: opaque(subject) }),
  },
  // RISC Profile 1.0 §2.3
  'user-disabled': { type: `${RISC}/account-disabled`, subject: user },
  // CAEP 1.0 §3.3
  'credential-changed': {
    type: `${CAEP}/credential-change`,
    subject: user,
    claims: { credential_type: 'password', change_type: 'update' },
  },
  'client-changed': null,
  // OAuth Event Types 1.0 §3.4
  'client-disabled': { type: `${OAUTH}/client-disabled`, subject: itself },
  // OAuth Event Types 1.0 §3.2
  'token-revoked': {
    type: `${OAUTH}/token-revoked`,
    subject: ({ subject }, issuer) => ({ format: 'jwt_id', iss: issuer, jti: subject }),
  },
  // CAEP 1.0 §3.2: the new value is not told; null says that what a token says of it holds no longer
  'membership-changed': {
    type: `${CAEP}/token-claims-change`,
    subject: member,
    claims: { claims: { roles: null } },
  },
  'organization-changed': { type: `${OWN}:organization-changed`, subject: tenant },
  'license-changed': { type: `${OWN}:license-changed`, subject: tenant },
  'seat-assigned': { type: `${OWN}:seat-assigned`, subject: member },
  'seat-released': { type: `${OWN}:seat-released`, subject: member },
  'usage-threshold-reached': license('usage-threshold-reached'),
  'license-started': license('license-started'),
  'license-terms-changed': license('license-terms-changed'),
  'license-ending': license('license-ending'),
  'license-grace': license('license-grace'),
  'license-expired': license('license-expired'),
  'catalog-changed': { type: `${OWN}:catalog-changed`, subject: itself },
  'keys-changed': null,
  'key-revoked': { type: `${OWN}:key-revoked`, subject: itself },
  'operator-changed': null,
};

/** Whether others than this server's nodes are told of events of this kind. */
export function isPublicKind(kind: EventKind): boolean {
  return DESCRIPTIONS[kind] !== null;
}

/**
 * An event as whoever is told of it reads it: the same claims however often and by whatever way it is told.
 * @returns undefined when it concerns the nodes of this server alone
 */
export function securityEventClaims(
  event: OutboxEvent,
  { issuer, audience }: { readonly issuer: string; readonly audience: string },
): SecurityEventClaims | undefined {
  const description = DESCRIPTIONS[event.kind];
  if (description === null) return undefined;
  const seconds = numericDate(event.occurredAt);
  const identity = [issuer, audience, event.cursor, event.kind, event.subject, event.occurredAt.getTime()];
  return {
    iss: issuer,
    // RFC 8417 §2.2: when it was issued; it is issued with what it tells of, and told again unchanged
    iat: seconds,
    jti: sha256(JSON.stringify(identity)).toString('base64url'),
    aud: audience,
    sub_id: description.subject(event, issuer),
    events: {
      [description.type]: { event_timestamp: seconds, ...claimsOf(description, event), ...event.facts },
    },
  };
}

function claimsOf({ claims }: Description, event: OutboxEvent): Claims | undefined {
  return typeof claims === 'function' ? claims(event) : claims;
}
