import { isPublicKind, type OutboxEvent } from '#events';

export interface Settled {
  /** Everything up to here is settled. */
  readonly cursor: string;
  /** The cursors after that which are acknowledged. */
  readonly acknowledged: readonly string[];
  /** What the receiver has still to take, oldest first. */
  readonly outstanding: readonly OutboxEvent[];
}

/**
 * How far a receiver has come: its place moves over what it has acknowledged without a gap, in whatever order that came,
 * and over what is told to no receiver.
 * @param cursor the receiver's place
 * @param events the next ones after it, oldest first
 */
export function settle(
  cursor: string,
  events: readonly OutboxEvent[],
  acknowledged: ReadonlySet<string>,
): Settled {
  const isSettled = (event: OutboxEvent) => acknowledged.has(event.cursor) || !isPublicKind(event.kind);
  const first = events.findIndex((event) => !isSettled(event));
  const remaining = first === -1 ? [] : events.slice(first);
  const last = first === -1 ? events.at(-1) : events[first - 1];
  return {
    cursor: last?.cursor ?? cursor,
    acknowledged: remaining.filter((event) => acknowledged.has(event.cursor)).map((event) => event.cursor),
    outstanding: remaining.filter((event) => !isSettled(event)),
  };
}
