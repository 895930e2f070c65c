/** What Core Auth tells modules about; the subject is what the kind speaks of. */
export type SecurityEventKind =
  | 'authorization-revoked'
  | 'session-ended'
  | 'user-disabled'
  | 'credential-changed'
  | 'client-disabled'
  | 'token-revoked'
  | 'membership-changed'
  | 'license-changed'
  | 'seat-assigned'
  | 'seat-released'
  | 'catalog-changed'
  | 'key-revoked';

export interface SecurityEvent {
  kind: SecurityEventKind;
  /** Authorization id, session id, user id, user id, client id, jti, user id, organization id, user id, user id, module key, key id, in the order above. */
  subject: string;
  organizationId: string | undefined;
  /** Milliseconds since the epoch, by Core Auth's clock; whole seconds. */
  occurredAt: number;
}

type Members = Readonly<Record<string, unknown>>;

interface EventType {
  kind: SecurityEventKind;
  /** Reads what the event is about from `sub_id` (RFC 9493). */
  subject: (subject: Members) => unknown;
  organization?: (subject: Members) => unknown;
}

const OPENID = 'https://schemas.openid.net/secevent';
const OWN = 'urn:core-auth:event-type';
const member = (subject: Members) => read(subject['user'])['sub'];
const tenant = (subject: Members) => read(subject['tenant'])['id'];

/** Event types of CAEP, RISC and OAuth, and Core Auth's own. */
const EVENT_TYPES: Readonly<Record<string, EventType>> = {
  [`${OPENID}/oauth/event-type/tokens-revoked`]: { kind: 'authorization-revoked', subject: ({ id }) => id },
  [`${OPENID}/caep/event-type/session-revoked`]: {
    kind: 'session-ended',
    subject: ({ session }) => read(session)['id'],
  },
  [`${OPENID}/risc/event-type/account-disabled`]: { kind: 'user-disabled', subject: ({ sub }) => sub },
  [`${OPENID}/caep/event-type/credential-change`]: { kind: 'credential-changed', subject: ({ sub }) => sub },
  [`${OPENID}/oauth/event-type/client-disabled`]: { kind: 'client-disabled', subject: ({ id }) => id },
  [`${OPENID}/oauth/event-type/token-revoked`]: { kind: 'token-revoked', subject: ({ jti }) => jti },
  [`${OPENID}/caep/event-type/token-claims-change`]: {
    kind: 'membership-changed',
    subject: member,
    organization: tenant,
  },
  [`${OWN}:license-changed`]: { kind: 'license-changed', subject: tenant, organization: tenant },
  // who sits where is part of an organization's licenses
  [`${OWN}:seat-assigned`]: { kind: 'seat-assigned', subject: member, organization: tenant },
  [`${OWN}:seat-released`]: { kind: 'seat-released', subject: member, organization: tenant },
  [`${OWN}:catalog-changed`]: { kind: 'catalog-changed', subject: ({ id }) => id },
  [`${OWN}:key-revoked`]: { kind: 'key-revoked', subject: ({ id }) => id },
};

/**
 * Reads the claims of a security event token (RFC 8417) from a frame. They are unsigned: the stream comes from Core
 * Auth over a connection that it has authenticated itself on. Undefined for an event type that this version does not
 * know, or no event at all.
 */
export function parseSecurityEvent(data: string): SecurityEvent | undefined {
  const { sub_id, events } = read(parseJson(data));
  const told = read(events);
  const uri = Object.keys(told).find((name) => Object.hasOwn(EVENT_TYPES, name));
  const type = uri === undefined ? undefined : EVENT_TYPES[uri];
  if (uri === undefined || type === undefined) return undefined;
  const about = read(sub_id);
  const subject = type.subject(about);
  const seconds = read(told[uri])['event_timestamp'];
  if (typeof subject !== 'string' || typeof seconds !== 'number' || !Number.isFinite(seconds))
    return undefined;
  const organization = type.organization?.(about);
  return {
    kind: type.kind,
    subject,
    organizationId: typeof organization === 'string' ? organization : undefined,
    occurredAt: seconds * 1000,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function read(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}
