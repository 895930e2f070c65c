export const EVENT_KINDS = [
  'authorization-revoked',
  'session-ended',
  'user-disabled',
  'credential-changed',
  'client-changed',
  'client-disabled',
  'token-revoked',
  'membership-changed',
  'organization-changed',
  'license-changed',
  'seat-assigned',
  'seat-released',
  'usage-threshold-reached',
  'license-started',
  'license-terms-changed',
  'license-ending',
  'license-grace',
  'license-expired',
  'catalog-changed',
  'keys-changed',
  'key-revoked',
  'operator-changed',
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

/** What an event says beside its subject, as it was written with the event: ids, keys, numbers and instants. */
export type EventFacts = Readonly<Record<string, string | number | boolean | null>>;

export interface OutboxEvent {
  /** Where a reader that has seen this event goes on: `<transaction id>-<row id>`. */
  readonly cursor: string;
  readonly kind: EventKind;
  /** The id of what changed; which id is said by the kind. */
  readonly subject: string;
  readonly organizationId: string | null;
  readonly occurredAt: Date;
  /** Null of kinds that say no more, and of events from before there were facts. */
  readonly facts: EventFacts | null;
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

/** A place in a history of the outbox, as readers outside get and send it: `<history>-<cursor>`. */
export interface Place {
  /** Undefined in places from before histories had names: nobody knows which they are of. */
  readonly history: string | undefined;
  readonly cursor: string;
}

/** How far the outbox reaches: nothing after `prunedTo` has been removed, nothing before `present` is still to come. */
export interface OutboxReach {
  readonly history: string;
  readonly prunedTo: string;
  readonly present: string;
}

const PLACE = /^(?:([0-9a-f]{16})-)?(\d+-\d+)$/;

/** @returns undefined when the text is no place of any outbox */
export function parsePlace(text: string): Place | undefined {
  const [, history, cursor] = PLACE.exec(text) ?? [];
  return cursor !== undefined && parseCursor(cursor) ? { history, cursor } : undefined;
}

export function placeText(history: string, cursor: string): string {
  return `${history}-${cursor}`;
}

/**
 * Whether a reader can go on from a place without having missed anything: it is of this history (one of another
 * database, or of this one before a restore, is not), lies in its past, and what came after it is still there.
 */
export function reaches(reach: OutboxReach, { history, cursor }: Place): boolean {
  return history === reach.history && !isAfter(reach.prunedTo, cursor) && !isAfter(cursor, reach.present);
}

/** The order of the stream: by transaction, then by row. */
export function isAfter(cursor: string, other: string): boolean {
  const [a, b] = [parseCursor(cursor), parseCursor(other)];
  if (!a || !b) throw new Error(`not a cursor: ${cursor} or ${other}`);
  const [transaction, otherTransaction] = [BigInt(a.transactionId), BigInt(b.transactionId)];
  return transaction === otherTransaction ? BigInt(a.id) > BigInt(b.id) : transaction > otherTransaction;
}
