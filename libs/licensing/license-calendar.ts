/** Whether a text is a day that the calendar has, from 2000 to 2999: `2028-02-29`. */
export function isCalendarDay(text: string): boolean {
  if (!/^2\d{3}-\d{2}-\d{2}$/.test(text)) return false;
  const midnight = new Date(`${text}T00:00:00.000Z`);
  // a day that no month has is either invalid or taken for one of the next month
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text);
}

const known = new Map<string, boolean>([['UTC', true]]);
const MOST_KNOWN = 1000;

/**
 * Whether a text is the IANA name of a time zone. Offsets (`+02:00`) are none: they do not know when clocks change,
 * and PostgreSQL reads their sign the other way round.
 */
export function isTimeZone(text: string): boolean {
  const remembered = known.get(text);
  if (remembered !== undefined) return remembered;
  const found = /^[A-Za-z][\w+/-]{0,63}$/.test(text) && isKnownToHost(text);
  if (known.size < MOST_KNOWN) known.set(text, found);
  return found;
}

function isKnownToHost(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}
