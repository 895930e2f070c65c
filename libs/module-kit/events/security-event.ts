/** What Core Auth tells modules about; the subject is what the kind speaks of. */
export type SecurityEventKind =
  | 'authorization-revoked'
  | 'session-ended'
  | 'user-disabled'
  | 'client-disabled'
  | 'token-revoked'
  | 'membership-changed'
  | 'license-changed';

export interface SecurityEvent {
  kind: SecurityEventKind;
  /** Authorization id, session id, user id, client id, jti, user id, organization id, in the order above. */
  subject: string;
  organizationId: string | undefined;
  /** Milliseconds since the epoch, by Core Auth's clock. */
  occurredAt: number;
}

const KINDS: ReadonlySet<string> = new Set<SecurityEventKind>([
  'authorization-revoked',
  'session-ended',
  'user-disabled',
  'client-disabled',
  'token-revoked',
  'membership-changed',
  'license-changed',
]);

/** Reads a frame's data; undefined for a kind that this version does not know, or no event at all. */
export function parseSecurityEvent(data: string): SecurityEvent | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { kind, subject, organization_id, occurred_at } = parsed as Record<string, unknown>;
  if (typeof kind !== 'string' || !KINDS.has(kind) || typeof subject !== 'string') return undefined;
  const occurredAt = typeof occurred_at === 'string' ? Date.parse(occurred_at) : NaN;
  if (Number.isNaN(occurredAt)) return undefined;
  return {
    kind: kind as SecurityEventKind,
    subject,
    organizationId: typeof organization_id === 'string' ? organization_id : undefined,
    occurredAt,
  };
}
