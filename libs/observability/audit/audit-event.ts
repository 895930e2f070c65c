import { createHash } from 'node:crypto';

/** A row of the audit trail, as it is chained: every column, as text that no setting of a connection changes. */
export interface AuditEvent {
  readonly id: string;
  readonly act: string;
  readonly actor: string;
  readonly target: string;
  readonly organizationId: string | null;
  readonly address: string | null;
  readonly factor: string | null;
  readonly clientId: string | null;
  readonly result: string;
  /** The JSON text that PostgreSQL makes of it. */
  readonly detail: string | null;
  /** Microseconds since 1970. */
  readonly occurredAt: string;
}

/** What stands before the first event. */
export const CHAIN_START: Buffer = Buffer.alloc(32);

/**
 * The digest of an event behind the one before it: SHA-256 of that digest and the event's columns as a JSON array. The
 * client stands at its end when there is one: events from before it was kept have the digest that they had.
 */
export function chainDigest(before: Buffer, event: AuditEvent): Buffer {
  const { id, act, actor, target, organizationId, address, factor, result, detail, occurredAt } = event;
  const columns = [id, act, actor, target, organizationId, address, factor, result, detail, occurredAt];
  if (event.clientId !== null) columns.push(event.clientId);
  return createHash('sha256').update(before).update(JSON.stringify(columns)).digest();
}
