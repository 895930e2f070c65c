export const EVENT_KINDS = [
  'authorization-revoked',
  'session-ended',
  'user-disabled',
  'client-changed',
  'client-disabled',
  'token-revoked',
  'membership-changed',
  'organization-changed',
  'license-changed',
  'catalog-changed',
  'keys-changed',
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

export interface OutboxEvent {
  /** Where a reader that has seen this event goes on: `<transaction id>-<row id>`. */
  readonly cursor: string;
  readonly kind: EventKind;
  /** The id of what changed; which id is said by the kind. */
  readonly subject: string;
  readonly organizationId: string | null;
  readonly occurredAt: Date;
}

const CURSOR = /^(\d{1,20})-(\d{1,19})$/;
/** Of PostgreSQL's xid8 and bigint. */
const LARGEST = { transactionId: 2n ** 64n - 1n, id: 2n ** 63n - 1n };

/** @returns undefined when the text is no cursor of ours */
export function parseCursor(text: string): { transactionId: string; id: string } | undefined {
  const [, transactionId, id] = CURSOR.exec(text) ?? [];
  if (transactionId === undefined || id === undefined) return undefined;
  if (BigInt(transactionId) > LARGEST.transactionId || BigInt(id) > LARGEST.id) return undefined;
  return { transactionId, id };
}

/** The order of the stream: by transaction, then by row. */
export function isAfter(cursor: string, other: string): boolean {
  const [a, b] = [parseCursor(cursor), parseCursor(other)];
  if (!a || !b) throw new Error(`not a cursor: ${cursor} or ${other}`);
  const [transaction, otherTransaction] = [BigInt(a.transactionId), BigInt(b.transactionId)];
  return transaction === otherTransaction ? BigInt(a.id) > BigInt(b.id) : transaction > otherTransaction;
}
