import type { Transaction } from '#platform';
import type { EventKind, OutboxEvent } from '../outbox-event.js';

export type DeliveryKind = 'logout' | 'webhook';

/** Something that a target is told of, again and again until it has heard. */
export interface Delivery {
  readonly id: string;
  readonly kind: DeliveryKind;
  /** Who is told: the client of a logout, the webhook of an event. */
  readonly target: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly occurredAt: Date;
  /** This one included. */
  readonly attempts: number;
  /** Not tried again after this. */
  readonly expiresAt: Date;
}

/** How an attempt ended. */
export type Attempt =
  | { readonly delivered: true; readonly status: number }
  | {
      readonly delivered: false;
      readonly status?: number;
      readonly reason: string;
      /** Seconds for which the receiver asks to be left alone. */
      readonly retryAfter?: number | undefined;
      /** There is no point in trying again. */
      readonly final?: boolean;
    };

/** One kind of delivery: what leads to it, and how it is sent. */
export interface DeliveryChannel {
  readonly kind: DeliveryKind;
  /** Its place in the outbox. */
  readonly reader: string;
  readonly maxAttempts: number;
  /** seconds */
  readonly longestDelay: number;
  hears(kind: EventKind): boolean;
  /** Turns events into deliveries, in the transaction that moves the reader's place. */
  enqueue(events: readonly OutboxEvent[], transaction: Transaction): Promise<void>;
  send(delivery: Delivery): Promise<Attempt>;
}

const FIRST_DELAY = 10;
const JITTER = 0.1;

/**
 * Seconds until the next attempt: 10, 20, 40 … up to the longest, each shortened by up to a tenth so that those that
 * failed together do not come back together.
 * @param attempts that were made
 * @param fraction from 0 up to 1, by chance
 */
export function retryDelay(attempts: number, longestDelay: number, fraction: number): number {
  return Math.min(FIRST_DELAY * 2 ** (attempts - 1), longestDelay) * (1 - JITTER * fraction);
}

/** Seconds that a Retry-After field asks for (RFC 9110 §10.2.3: a number of seconds or a date); undefined when neither. */
export function retryAfterSeconds(field: string | undefined, now: Date): number | undefined {
  if (field === undefined) return undefined;
  if (/^\d{1,9}$/.test(field)) return Number(field);
  // HTTP-date (RFC 9110 §5.6.7) begins with a name of a day; other texts that Date understands are none
  const date = /^[A-Z][a-z]+, /.test(field) ? Date.parse(field) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now.getTime()) / 1000));
}
