import { InvalidRequest } from '../oauth.errors.js';

/** At most so many events are outstanding with a receiver: told, and not acknowledged. */
export const MAX_OUTSTANDING = 100;
const MAX_ACKNOWLEDGED = 1000;
const MAX_ERROR = 200;

/** Why a receiver could not take a token (RFC 8936 §2.6). */
export interface SetError {
  readonly err: string;
  readonly description: string;
}

/** RFC 8936 §2.4 */
export interface PollRequest {
  readonly maxEvents: number;
  readonly returnImmediately: boolean;
  /** By `jti`; null: taken, else refused, which settles it too (RFC 8936 §2.4.4). */
  readonly settled: ReadonlyMap<string, SetError | null>;
  /** Our own member: the receiver knows that it has missed events and begins anew in the present. */
  readonly restart: boolean;
}

/** Reads the body of a poll; members that it does not know are ignored. @throws InvalidRequest */
export function parsePollRequest(body: unknown): PollRequest {
  const members = recordOf(body, 'The body');
  const settled = new Map<string, SetError | null>();
  for (const jti of acknowledgedOf(members['ack'])) settled.set(jti, null);
  const errors = members['setErrs'] === undefined ? {} : recordOf(members['setErrs'], 'setErrs');
  for (const [jti, error] of Object.entries(errors)) settled.set(jti, errorOf(error));
  if (settled.size > MAX_ACKNOWLEDGED)
    throw new InvalidRequest(`More than ${MAX_ACKNOWLEDGED} events are acknowledged at once.`);
  return {
    maxEvents: maxEventsOf(members['maxEvents']),
    returnImmediately: flagOf(members['returnImmediately'], 'returnImmediately'),
    settled,
    restart: flagOf(members['restart'], 'restart'),
  };
}

function recordOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidRequest(`${name} must be a JSON object.`);
  return value as Record<string, unknown>;
}

function acknowledgedOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((jti) => typeof jti === 'string'))
    throw new InvalidRequest('ack must be an array of jti values.');
  return value;
}

function errorOf(value: unknown): SetError {
  const { err, description = '' } = recordOf(value, 'Each member of setErrs');
  if (typeof err !== 'string' || typeof description !== 'string')
    throw new InvalidRequest('Each member of setErrs must have err, and may have description, as text.');
  return { err: printable(err), description: printable(description) };
}

/** PostgreSQL takes no NUL in text, and no log wants control characters. */
function printable(text: string): string {
  return text.slice(0, MAX_ERROR).replace(/[\p{Cc}\p{Cs}]/gu, ' ');
}

function maxEventsOf(value: unknown): number {
  if (value === undefined) return MAX_OUTSTANDING;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidRequest('maxEvents must be a whole number from 0 on.');
  return Math.min(value, MAX_OUTSTANDING);
}

function flagOf(value: unknown, name: string): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw new InvalidRequest(`${name} must be true or false.`);
  return value;
}
