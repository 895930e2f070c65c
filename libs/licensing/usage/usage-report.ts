import { PublicError } from '#platform';

export interface DayUse {
  /** `2026-03-29` */
  readonly day: string;
  readonly used: number;
}

const DAY = 86_400_000;
/** As long as single uses are kept. */
const MOST_DAYS = 400;

/** @throws PublicError 400 `invalid_range` */
export function requireSoundDays({
  first,
  last,
  timeZone,
}: {
  readonly first: string;
  readonly last: string;
  readonly timeZone: string;
}): void {
  const [from, to] = [dayOf(first), dayOf(last)];
  if (from === undefined || to === undefined) throw invalidRange('A day is written like 2026-03-29.');
  if (to < from) throw invalidRange('The last day does not lie before the first.');
  if ((to - from) / DAY >= MOST_DAYS) throw invalidRange(`At most ${MOST_DAYS} days can be shown.`);
  if (!isTimeZone(timeZone)) throw invalidRange('The time zone is an IANA name like Europe/Berlin.');
}

export function invalidRange(sentence: string): PublicError {
  return new PublicError(400, 'invalid_range', sentence);
}

/** One record of RFC 4180 with its line break; quoted where it has to be. */
export function csvLine(cells: readonly string[]): string {
  return (
    cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',') + '\r\n'
  );
}

function dayOf(text: string): number | undefined {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00.000Z`) : NaN;
  // some parsers take February 30 for the day after
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text) ? at : undefined;
}

function isTimeZone(name: string): boolean {
  // an offset like +01:00 means another thing to PostgreSQL
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}
